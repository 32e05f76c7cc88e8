import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareAccount } from './compare-account.ts';
import { externalIdNotEnforced } from './describe-cause.ts';
import { explainAwsFailure } from './explain-failure.ts';
import { AWS_FAILURE_CODES, type AwsFailure, type AwsFailureContext } from './failure.ts';

const CHAIN: AwsFailureContext = { method: 'default_chain', region: 'us-west-2' };
const KEY: AwsFailureContext = { method: 'access_key', region: 'us-west-2' };
const ROLE: AwsFailureContext = { method: 'role', region: 'us-west-2' };

/** As short as can be compared: the verdict and the codes in their order. */
function explain(failure: AwsFailure, context: AwsFailureContext): string {
  const { verdict, causes } = explainAwsFailure(failure, context);
  return [verdict, ...causes.map(({ code }) => code)].join(' ');
}

const answered = (name: string, message = '', httpStatus = 403): AwsFailure => ({
  name,
  message,
  httpStatus,
});
const denied = (rest = '') =>
  answered(
    'AccessDenied',
    `User: arn:aws:sts::111122223333:assumed-role/planton/runner is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/planton${rest}`,
  );
const ANY_OF_ROLE = 'refused TRUST_POLICY EXTERNAL_ID ORGANIZATION_POLICY PROPAGATING';

test('the codes are those of the contract', () => {
  const proto = readFileSync(
    new URL('../../../../proto/planton/runner/v1/operation.proto', import.meta.url),
    'utf8',
  );
  const inContract = [...proto.matchAll(/ AWS_ACCESS_CAUSE_CODE_(\w+) = [1-9]/g)].map(([, code]) => code);
  expect(AWS_FAILURE_CODES).toEqual(inContract);
});

describe('what AWS answers about keys', () => {
  test.each([
    [answered('InvalidClientTokenId'), KEY, 'refused UNKNOWN_KEY PROPAGATING'],
    [
      answered('InvalidClientTokenId'),
      { ...KEY, region: 'eu-south-1' },
      'refused UNKNOWN_KEY REGION_DISABLED PROPAGATING',
    ],
    [answered('InvalidClientTokenId'), { ...KEY, region: 'cn-north-1' }, 'refused UNKNOWN_KEY PROPAGATING'],
    [answered('UnrecognizedClientException', '', 400), CHAIN, 'refused UNKNOWN_KEY PROPAGATING'],
    [
      answered(
        'SignatureDoesNotMatch',
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method.',
      ),
      KEY,
      'refused WRONG_SECRET',
    ],
    [
      answered(
        'SignatureDoesNotMatch',
        'Signature expired: 20260301T114000Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)',
      ),
      KEY,
      'refused CLOCK_SKEW',
    ],
    [
      answered(
        'SignatureDoesNotMatch',
        'Signature not yet current: 20260301T124000Z is still later than 20260301T120500Z (20260301T120000Z + 5 min.)',
      ),
      CHAIN,
      'refused CLOCK_SKEW',
    ],
    [
      answered('SignatureDoesNotMatch', "Credential should be scoped to a valid region, not 'nowhere'. "),
      KEY,
      'refused',
    ],
    [
      answered('ExpiredToken', 'The security token included in the request is expired'),
      KEY,
      'refused EXPIRED',
    ],
    [answered('ExpiredTokenException', '', 400), CHAIN, 'refused EXPIRED'],
    [answered('RequestExpired', 'Request has expired.', 400), KEY, 'refused CLOCK_SKEW EXPIRED'],
    [answered('RequestTimeTooSkewed'), KEY, 'refused CLOCK_SKEW'],
    [answered('IncompleteSignature', '', 400), KEY, 'refused UNKNOWN_KEY'],
    [answered('RegionDisabledException'), ROLE, 'refused REGION_DISABLED'],
  ] as const)('%j', (failure, context, expected) => {
    expect(explain(failure, context)).toBe(expected);
  });
});

describe('what AWS denies', () => {
  test('a missing role, an untrusted caller and a wrong external ID are told the same, so all are named', () => {
    expect(explain(denied(), ROLE)).toBe(ANY_OF_ROLE);
    expect(explain(answered('AccessDenied'), ROLE)).toBe(ANY_OF_ROLE);
    expect(explain({ ...denied(), name: 'AccessDeniedException' }, ROLE)).toBe(ANY_OF_ROLE);
  });

  test.each([
    [' with an explicit deny in a service control policy', 'refused ORGANIZATION_POLICY'],
    [' with an explicit deny in a resource control policy', 'refused ORGANIZATION_POLICY'],
    [' with an explicit deny in a permissions boundary', 'refused ORGANIZATION_POLICY'],
    [' with an explicit deny in an identity-based policy', 'refused ORGANIZATION_POLICY'],
    [' because no VPC endpoint policy allows the sts:AssumeRole action', 'refused ORGANIZATION_POLICY'],
    [' because no session policy allows the sts:AssumeRole action', 'refused ORGANIZATION_POLICY'],
    [
      ' because no identity-based policy allows the sts:AssumeRole action',
      'refused ORGANIZATION_POLICY TRUST_POLICY',
    ],
    [' with an explicit deny in a resource-based policy', 'refused TRUST_POLICY'],
    [' with an explicit deny in the role trust policy', 'refused TRUST_POLICY'],
    [
      ' because no role trust policy allows the sts:AssumeRole action',
      'refused TRUST_POLICY EXTERNAL_ID PROPAGATING',
    ],
  ])('what it says was decided%s', (rest, expected) => {
    expect(explain(denied(rest), ROLE)).toBe(expected);
  });

  test('a role that the chain itself assumes, by web identity or by profile', () => {
    const webIdentity = answered('AccessDenied', 'Not authorized to perform sts:AssumeRoleWithWebIdentity');
    expect(explain(webIdentity, CHAIN)).toBe('refused TRUST_POLICY ORGANIZATION_POLICY PROPAGATING');
    expect(explain(denied(), CHAIN)).toBe(ANY_OF_ROLE);
    expect(explain(answered('InvalidIdentityTokenException', '', 400), CHAIN)).toBe('refused TRUST_POLICY');
    expect(explain(answered('IDPRejectedClaimException'), CHAIN)).toBe('refused TRUST_POLICY');
  });

  test('asking who one is can only be denied from above', () => {
    const message =
      'User: arn:aws:iam::123456789012:user/a is not authorized to perform: sts:GetCallerIdentity';
    expect(explain(answered('AccessDenied', message), KEY)).toBe('refused ORGANIZATION_POLICY');
  });

  test('a request that no identity could make is refused without a cause, and the observation says it', () => {
    const message = 'The requested DurationSeconds exceeds the MaxSessionDuration set for this role.';
    const explained = explainAwsFailure(answered('ValidationError', message, 400), ROLE);
    expect(explained).toEqual({
      verdict: 'refused',
      causes: [],
      observation: `AWS answered ValidationError (HTTP 400): ${message}`,
    });
    for (const name of ['MalformedPolicyDocumentException', 'PackedPolicyTooLargeException']) {
      expect(explain(answered(name, '', 400), ROLE)).toBe('refused');
    }
  });
});

describe('what says nothing about the credentials', () => {
  test.each([
    [answered('Throttling', 'Rate exceeded', 400), 'THROTTLED'],
    [answered('ThrottlingException', '', 400), 'THROTTLED'],
    [answered('TooManyRequestsException', '', 429), 'THROTTLED'],
    [answered('RequestLimitExceeded', '', 503), 'THROTTLED'],
    [answered('Unknown', 'Unknown', 429), 'THROTTLED'],
    [answered('InternalFailure', '', 500), 'UNREACHABLE'],
    [answered('AccessDenied', '', 503), 'UNREACHABLE'],
    [answered('IDPCommunicationErrorException', '', 400), 'UNREACHABLE'],
    [answered('Unknown', 'Unknown', 502), 'UNREACHABLE'],
    [answered('Unknown', 'Unknown', 302), 'UNREACHABLE'],
    [answered('Unknown', 'Unknown', 403), 'UNREACHABLE'],
    [answered('Error', '@aws-sdk XML parse error: unexpected content.', 407), 'UNREACHABLE'],
    [answered('Error', '@aws-sdk XML parse error: unexpected content.', 200), 'UNREACHABLE'],
    [answered('SomethingNewException', '', 400), 'UNREACHABLE'],
    [{ name: 'TimeoutError', message: 'socket hang up', networkCode: 'ECONNRESET' }, 'UNREACHABLE'],
    [{ name: 'AbortError', message: 'Request aborted' }, 'UNREACHABLE'],
    [{ name: 'Error', networkCode: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, 'UNREACHABLE'],
    [{ name: 'Error', networkCode: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, 'UNREACHABLE'],
    [{ name: 'Error', networkCode: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'UNREACHABLE'],
    [{ name: 'Error', networkCode: 'CERT_NOT_YET_VALID' }, 'UNREACHABLE CLOCK_SKEW'],
    [{ name: 'Error', networkCode: 'EPROTO' }, 'UNREACHABLE'],
    [{ name: 'Error', message: 'connect EACCES 10.0.0.1:443', networkCode: 'EACCES' }, 'UNREACHABLE'],
    ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EHOSTUNREACH', 'EPIPE'].map(
      (networkCode) => [{ name: 'Error', networkCode }, 'UNREACHABLE'] as const,
    ),
    [{ name: 'Error' }, 'UNREACHABLE'],
    [{ name: '' }, 'UNREACHABLE'],
  ] as const)('%j', (failure, expected) => {
    for (const context of [CHAIN, KEY, ROLE]) {
      expect(explain(failure, context)).toBe(`inconclusive ${expected}`);
    }
  });
});

describe('what the SDK says itself', () => {
  const provider = (message: string): AwsFailure => ({ name: 'CredentialsProviderError', message });

  test.each([
    [provider('Could not load credentials from any providers'), 'refused NO_CREDENTIALS'],
    [provider('Profile nosuch could not be found in shared credentials file.'), 'refused NO_CREDENTIALS'],
    [
      provider(
        'The SSO session associated with this profile has expired. To refresh this SSO session run aws sso login',
      ),
      'refused EXPIRED',
    ],
    [{ name: 'TokenProviderError', message: 'Token is expired. To refresh…' }, 'refused EXPIRED'],
    [provider('Server responded with status: 500'), 'inconclusive NO_CREDENTIALS'],
    [
      { name: 'ProviderError', message: 'TimeoutError from instance metadata service' },
      'inconclusive NO_CREDENTIALS',
    ],
    [
      { name: 'Error', message: "ENOENT: no such file or directory, open '/token'", networkCode: 'ENOENT' },
      'refused NO_CREDENTIALS',
    ],
  ])('%j', (failure, expected) => {
    expect(explain(failure, CHAIN)).toBe(expected);
  });

  test('a key that no header can hold never left, and is refused', () => {
    const message = 'Invalid character in header content ["x-amz-security-token"]';
    expect(explain({ name: 'TypeError', message, networkCode: 'ERR_INVALID_CHAR' }, KEY)).toBe(
      'refused UNKNOWN_KEY',
    );
  });

  test('whose credentials are missing is said by how the call authenticated', () => {
    const [ofChain, ofRole] = [CHAIN, ROLE].map(
      (context) => explainAwsFailure(provider('none'), context).causes[0]?.message,
    );
    expect(ofChain).toContain('where the runner runs');
    expect(ofRole).toContain('assumes the role has no AWS identity');
  });
});

test('what to do about a role that the platform assumes is said to whom the account belongs', () => {
  const { causes } = explainAwsFailure(denied(), ROLE);
  const [trust, externalId, policy] = causes;
  expect(trust?.message).toContain('the platform');
  for (const cause of [trust, externalId, externalIdNotEnforced()])
    expect(cause?.hint).toContain('planton connect aws --reconnect');
  expect(policy?.hint).toContain('the account');
  // The role of a profile is nobody's connection.
  const hints = explainAwsFailure(denied(), CHAIN).causes.map(({ hint }) => hint);
  expect(hints.join()).not.toContain('--reconnect');
});

test('every cause says what it is and what to do, in plain sentences', () => {
  const names = [
    'InvalidClientTokenId',
    'ExpiredToken',
    'RegionDisabledException',
    'AccessDenied',
    'Throttling',
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(
        ...names,
        'IncompleteSignature',
        'SignatureDoesNotMatch',
        'Unknown',
        'CredentialsProviderError',
      ),
      fc.constantFrom(CHAIN, KEY, ROLE, { method: 'role', region: '<b>"\n$(reboot)' } as const),
      fc.constantFrom(undefined, 400, 403, 503),
      (name, context, httpStatus) => {
        const failure = { name, ...(httpStatus !== undefined && { httpStatus }) };
        const causes = [...explainAwsFailure(failure, context).causes, externalIdNotEnforced()];
        for (const { message, hint } of causes) {
          expect(message).toMatch(/^[A-Z][ -~]{10,250}\.$/);
          expect(hint).toMatch(/^[A-Z][ -~]{10,250}\.$/);
          expect(`${message}${hint}`).not.toMatch(/undefined|<b>|reboot/);
        }
      },
    ),
  );
});

test('whatever comes, the verdict and the codes are of the contract and nothing is thrown', () => {
  const text = fc.string({ unit: 'binary', maxLength: 200 });
  fc.assert(
    fc.property(
      fc.record(
        { name: text, message: text, httpStatus: fc.integer(), networkCode: text },
        { requiredKeys: ['name'] },
      ),
      fc.constantFrom(CHAIN, KEY, ROLE),
      (failure, context) => {
        const { verdict, causes, observation } = explainAwsFailure(failure, context);
        expect(['refused', 'inconclusive']).toContain(verdict);
        for (const { code } of causes) expect(AWS_FAILURE_CODES).toContain(code);
        expect(observation.length).toBeGreaterThan(0);
      },
    ),
  );
});

describe('the account that answered', () => {
  test('is compared as it is written', () => {
    expect(compareAccount('012345678901', '012345678901')).toBeUndefined();
    expect(compareAccount('012345678901', '210987654321')).toEqual({
      code: 'WRONG_ACCOUNT',
      message: 'The credentials are of account 210987654321, not of account 012345678901.',
      hint: expect.stringContaining('account_id'),
    });
  });

  test.each(['', '12345678901', '\u001b[31m', 'AKIAIOSFODNN7EXAMPLE'])(
    'is not repeated when it is none: %j',
    (actual) => {
      const message = compareAccount('012345678901', actual)?.message;
      expect(message).toBe(
        'The credentials are of something that is no account, not of account 012345678901.',
      );
    },
  );
});
