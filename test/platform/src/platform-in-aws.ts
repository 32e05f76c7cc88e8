import type { Account, AwsSimulator } from '@planton/aws-simulator';

/** Who the platform runner is in AWS. */
export const PLATFORM_PRINCIPAL = 'arn:aws:iam::111122223333:role/planton-platform';

/** The platform's own account, with the role that its runner has as an instance or a task has one. */
export const platformAccount: Account = {
  id: '111122223333',
  users: [],
  roles: [
    {
      name: 'planton-platform',
      trustPolicy: {
        Version: '2012-10-17',
        Statement: [
          { Effect: 'Allow', Principal: { Service: 'ec2.amazonaws.com' }, Action: 'sts:AssumeRole' },
        ],
      },
    },
  ],
};

/**
 * What a server is started with so that accounts can trust it: the identity of its runner, in the simulator that has `platformAccount`, and
 * the template that it serves itself.
 *
 * @param reachable whether stacks can call it back
 */
export function inAws(
  simulator: Pick<AwsSimulator, 'url' | 'issueSession'>,
  { reachable = true }: { readonly reachable?: boolean } = {},
): (url: string) => NodeJS.ProcessEnv {
  return (url) => {
    const session = simulator.issueSession(PLATFORM_PRINCIPAL, 'platform-runner');
    return {
      AWS_ENDPOINT_URL: simulator.url,
      AWS_ACCESS_KEY_ID: session.accessKeyId,
      AWS_SECRET_ACCESS_KEY: session.secretAccessKey,
      AWS_SESSION_TOKEN: session.sessionToken,
      PLANTON_AWS_PRINCIPAL: PLATFORM_PRINCIPAL,
      PLANTON_AWS_TEMPLATE_URL: `${url}/aws/cloudformation-template.yaml`,
      ...(reachable && { PLANTON_PUBLIC_URL: url }),
    };
  };
}
