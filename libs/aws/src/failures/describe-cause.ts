import type { AwsFailureCause, AwsFailureContext } from './failure.ts';

type Context = AwsFailureContext;
type Text = readonly [message: string, hint: string];

const cause = (code: AwsFailureCause['code'], [message, hint]: Text): AwsFailureCause => ({
  code,
  message,
  hint,
});

const RECONNECT = 'A new role is made with planton connect aws --reconnect.';
const STORE_KEY_AGAIN = 'Store them again with planton secret set.';

export function noCredentials({ method }: Context): AwsFailureCause {
  const texts: Readonly<Record<Context['method'], Text>> = {
    default_chain: [
      'The AWS SDK found no credentials that work where the runner runs.',
      'Give the runner an instance profile, a task role, a service account role or AWS_* variables, and start it again.',
    ],
    access_key: ['No access key was given.', STORE_KEY_AGAIN],
    role: [
      'The runner that assumes the role has no AWS identity of its own.',
      'Start the server with the AWS credentials of the platform runner in its environment.',
    ],
  };
  return cause('NO_CREDENTIALS', texts[method]);
}

export function unknownKey({ method }: Context): AwsFailureCause {
  return cause('UNKNOWN_KEY', [
    `AWS does not know ${whoseKey(method)}: it is deleted, inactive, of another partition, or its session token is not its own.`,
    method === 'access_key'
      ? `Look in IAM whether the access key is active and copy its id once more. ${STORE_KEY_AGAIN}`
      : 'Run aws sts get-caller-identity where the runner runs, with the environment that the runner has.',
  ]);
}

export function malformedKey({ method }: Context): AwsFailureCause {
  return cause('UNKNOWN_KEY', [
    `AWS cannot read the signature: ${whoseKey(method)} or its session token holds characters that do not belong there.`,
    method === 'access_key'
      ? `Copy the access key id and the session token once more, without quotes and line breaks. ${STORE_KEY_AGAIN}`
      : 'Look for quotes and line breaks in the AWS_* variables or the profile that the runner uses.',
  ]);
}

export function wrongSecret({ method }: Context): AwsFailureCause {
  return cause('WRONG_SECRET', [
    'The secret access key does not belong to the access key id.',
    method === 'access_key'
      ? `Copy both of the same key, without quotes and spaces. ${STORE_KEY_AGAIN}`
      : 'Correct the secret access key where the runner reads it, and start the runner again.',
  ]);
}

export function expired({ method }: Context): AwsFailureCause {
  return cause('EXPIRED', [
    method === 'access_key'
      ? 'The access key is temporary and has ended.'
      : "The runner's own credentials are temporary and have ended.",
    method === 'access_key'
      ? 'Store a new access key with its session token with planton secret set, or use a lasting one.'
      : 'Renew them where the runner runs; an instance profile, a task role or a service account role renews itself.',
  ]);
}

export function clockSkew(): AwsFailureCause {
  return cause('CLOCK_SKEW', [
    'The clock where the runner runs differs from that of AWS by more than AWS takes.',
    'Set the clock where the runner runs and keep it right with NTP; timedatectl shows it.',
  ]);
}

export function trustPolicy({ method }: Context): AwsFailureCause {
  return cause(
    'TRUST_POLICY',
    method === 'role'
      ? [
          'The role does not exist, or its trust policy does not allow the platform.',
          `Look in IAM of the account whether the role is there and its trust policy names the platform for sts:AssumeRole. ${RECONNECT}`,
        ]
      : [
          'The role does not exist, or its trust policy does not allow the caller.',
          "Look in IAM whether the role's ARN is right and whether its trust policy names the caller and allows sts:AssumeRole.",
        ],
  );
}

export function webIdentityTrust(): AwsFailureCause {
  return cause('TRUST_POLICY', [
    'The role does not exist, its trust policy does not allow the token of the runner, or its account has no such identity provider.',
    'Compare issuer, audience and subject in the trust policy of the role with the service account that the runner runs as.',
  ]);
}

export function externalId({ method }: Context): AwsFailureCause {
  return cause('EXTERNAL_ID', [
    'The trust policy of the role asks for another external ID.',
    `Compare sts:ExternalId in the trust policy of the role with the external ID of the connection.${method === 'role' ? ` ${RECONNECT}` : ''}`,
  ]);
}

/** Of a role that the platform assumes: it works, and not for the platform's customer alone. */
export function externalIdNotEnforced(): AwsFailureCause {
  return cause('EXTERNAL_ID_NOT_ENFORCED', [
    'The role lets the platform in without its external ID, or with a wrong one, and so could be used for others.',
    `Have the trust policy of the role demand the external ID with StringEquals on sts:ExternalId in every statement that allows sts:AssumeRole. ${RECONNECT}`,
  ]);
}

export function organizationPolicy({ method }: Context): AwsFailureCause {
  return cause('ORGANIZATION_POLICY', [
    'A service control policy, resource control policy, permissions boundary or endpoint policy denies it.',
    method === 'role'
      ? 'Ask whoever administers the AWS organisation of the account which policy keeps other accounts from assuming its roles.'
      : 'Ask whoever administers the AWS organisation which policy denies sts to the caller; CloudTrail has the event.',
  ]);
}

export function callerPolicy(): AwsFailureCause {
  return cause('ORGANIZATION_POLICY', [
    'The policies of the identity that calls do not allow it.',
    'Allow sts:AssumeRole on the role in a policy of the identity that the runner has.',
  ]);
}

export function regionDisabled({ region }: Context): AwsFailureCause {
  return cause('REGION_DISABLED', [
    `${named(region)} is not enabled in the account.`,
    `Enable ${region === undefined ? 'the region' : plain(region)} under Account, AWS Regions, or choose one that is enabled.`,
  ]);
}

export function throttled(): AwsFailureCause {
  return cause('THROTTLED', [
    'AWS asks to slow down.',
    'Try again in a minute; nothing is known about the credentials.',
  ]);
}

export function propagating(): AwsFailureCause {
  return cause('PROPAGATING', [
    'What was made or changed in IAM in the last minute has not reached every part of AWS yet.',
    'If it is new, try again in a minute.',
  ]);
}

export function unreachable({ region }: Context): AwsFailureCause {
  const host = region === undefined ? 'STS' : `STS in ${plain(region)}`;
  return cause('UNREACHABLE', [
    `${host} cannot be reached from where the runner runs.`,
    'Look at DNS, the proxy (HTTPS_PROXY, NO_PROXY), the firewall and any VPC endpoint for STS there.',
  ]);
}

export function faultOfAws(): AwsFailureCause {
  return cause('UNREACHABLE', [
    'AWS, or a proxy on the way to it, cannot answer at the moment.',
    'Try again in a minute; health.aws.amazon.com shows disruptions.',
  ]);
}

export function foreignAnswer(): AwsFailureCause {
  return cause('UNREACHABLE', [
    'Something else than AWS answered, such as a proxy or a sign-in page of the network.',
    'Let the runner reach the endpoint of STS past it; AWS_ENDPOINT_URL_STS and HTTPS_PROXY decide where it asks.',
  ]);
}

export function untrustedCertificate(): AwsFailureCause {
  return cause('UNREACHABLE', [
    'What answers at the endpoint of AWS has a certificate that the runner does not trust, such as that of an inspecting proxy.',
    "Exempt the endpoint from inspection, or name the proxy's CA in NODE_EXTRA_CA_CERTS where the runner starts.",
  ]);
}

function whoseKey(method: Context['method']): string {
  return method === 'access_key' ? 'the access key' : "the runner's own access key";
}

function named(region: string | undefined): string {
  return region === undefined ? 'The region' : `Region ${plain(region)}`;
}

/** Regions come from manifests. */
function plain(region: string): string {
  return /^[a-z0-9-]{1,63}$/.test(region) ? region : 'the region';
}
