export const PRINCIPAL = 'arn:aws:iam::123456789012:role/platform/runner';
export const EXTERNAL_ID = '0123456789abcdef'.repeat(4);
export const ACCOUNT_ID = '210987654321';

/** The longest names that the parameters take, for whoever looks at limits. */
export const REQUIRED = {
  PlatformPrincipalArn: PRINCIPAL,
  ExternalId: EXTERNAL_ID,
  RoleName: 'PlantonConnect-production-0123456789-0123456789-0123456-abcdefgh',
};

export const CALLBACK = {
  CallbackUrl: 'https://planton.example.com/callbacks/aws/cloudformation',
  SetupId: 'b1a7c2d8-0000-4000-8000-000000000001',
  CallbackToken: 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNO_-',
};
