import type { Account, Role } from '../identities/identity.ts';
import { KEY } from './sign-request.ts';

export const PLATFORM_ACCOUNT = '123456789012';
export const CUSTOMER_ACCOUNT = '444455556666';
export const EXTERNAL_ID = 'PlantonExt-4f9a2c';

/** What the trust policy of a role looks like that trusts one principal of another account, with an external ID. */
export function trustOf(principalArn: string, externalId = EXTERNAL_ID): Role['trustPolicy'] {
  return {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${principalArn.split(':')[4]}:root` },
        Action: 'sts:AssumeRole',
        Condition: {
          StringEquals: { 'sts:ExternalId': externalId },
          ArnEquals: { 'aws:PrincipalArn': principalArn },
        },
      },
    ],
  };
}

/** The platform's user, the platform's role that he may assume, and a customer's role that trusts each of them. */
export const ROLE_ACCOUNTS: readonly Account[] = [
  {
    id: PLATFORM_ACCOUNT,
    users: [{ name: 'deployer', accessKeys: [KEY] }],
    roles: [
      {
        name: 'PlatformRunner',
        path: '/planton/',
        trustPolicy: {
          Version: '2012-10-17',
          Statement: {
            Effect: 'Allow',
            Principal: { AWS: PLATFORM_ACCOUNT },
            Action: ['sts:AssumeRole', 'sts:TagSession', 'sts:SetSourceIdentity'],
          },
        },
        maxSessionDuration: 43_200,
      },
    ],
  },
  {
    id: CUSTOMER_ACCOUNT,
    users: [],
    roles: [
      {
        name: 'TrustsUser',
        trustPolicy: trustOf(`arn:aws:iam::${PLATFORM_ACCOUNT}:user/deployer`),
        maxSessionDuration: 7_200,
      },
      {
        name: 'TrustsRunner',
        trustPolicy: trustOf(`arn:aws:iam::${PLATFORM_ACCOUNT}:role/planton/PlatformRunner`),
        maxSessionDuration: 43_200,
      },
    ],
  },
];

export const PLATFORM_ROLE = `arn:aws:iam::${PLATFORM_ACCOUNT}:role/planton/PlatformRunner`;
export const TRUSTS_USER = `arn:aws:iam::${CUSTOMER_ACCOUNT}:role/TrustsUser`;
export const TRUSTS_RUNNER = `arn:aws:iam::${CUSTOMER_ACCOUNT}:role/TrustsRunner`;
