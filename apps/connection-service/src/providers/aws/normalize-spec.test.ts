import { create } from '@bufbuild/protobuf';
import { AuthMode, AwsProviderConnectionSpecSchema } from '@planton/api/connect/v1/aws_provider_connection';
import { expect, test } from 'vitest';
import { keepServerOwned } from './keep-server-owned.ts';
import { normalizeSpec } from './normalize-spec.ts';
import { referencesOf } from './references-of.ts';

const everything = {
  runner: 'r',
  accountId: { source: { case: 'variable', value: 'account' } },
  region: { source: { case: 'value', value: 'us-west-2' } },
  accessKeyId: { secret: 'id' },
  secretAccessKey: { secret: 'key', key: 'k' },
  sessionToken: { secret: 'token' },
  externalId: { secret: 'external' },
  iamRoleArn: 'arn:aws:iam::123456789012:role/x',
} as const;

test('a runner needs no credentials: each is dropped with a warning', () => {
  const given = create(AwsProviderConnectionSpecSchema, { ...everything, authMode: AuthMode.RUNNER });
  const { spec, warnings } = normalizeSpec(given);
  expect(warnings).toHaveLength(5);
  expect(warnings.join()).toContain('spec.access_key_id was ignored: auth_mode runner does not use it');
  expect(referencesOf(spec).map(({ field }) => field)).toEqual(['spec.account_id']);
  expect(spec.iamRoleArn).toBe('');
  expect(given.accessKeyId?.secret).toBe('id');
});

test('inline keeps its keys, and drops the role', () => {
  const { spec, warnings } = normalizeSpec(create(AwsProviderConnectionSpecSchema, everything));
  expect(spec.authMode).toBe(AuthMode.INLINE);
  expect(warnings).toEqual(['spec.iam_role_arn was ignored: auth_mode inline does not use it']);
  expect(referencesOf(spec)).toContainEqual({
    field: 'spec.secret_access_key',
    reference: { kind: 'secret', slug: 'key', key: 'k' },
  });
  expect(referencesOf(spec)).toContainEqual({
    field: 'spec.access_key_id',
    reference: { kind: 'secret', slug: 'id', key: 'value' },
  });
});

test('a trust connection keeps its external ID and stack, given or not, and takes no others', () => {
  const stored = create(AwsProviderConnectionSpecSchema, {
    authMode: AuthMode.CROSS_ACCOUNT_TRUST,
    externalId: { secret: 'minted' },
    cloudFormationStackId: 'stack',
  });
  const bare = create(AwsProviderConnectionSpecSchema, { authMode: AuthMode.CROSS_ACCOUNT_TRUST });
  for (const given of [stored, bare]) {
    expect(keepServerOwned(given, stored)).toMatchObject({
      externalId: { secret: 'minted' },
      cloudFormationStackId: 'stack',
    });
  }
  const authMode = AuthMode.CROSS_ACCOUNT_TRUST;
  for (const given of [
    create(AwsProviderConnectionSpecSchema, { authMode, externalId: { secret: 'mine' } }),
    create(AwsProviderConnectionSpecSchema, { authMode, cloudFormationStackId: 'mine' }),
  ]) {
    expect(() => keepServerOwned(given, stored)).toThrow(/only the server sets it/);
  }
  expect(() => keepServerOwned(bare, undefined)).toThrow(/set up by the server/);
});
