import { create } from '@bufbuild/protobuf';
import { AwsProviderConnectionSpecSchema } from '@planton/api/connect/v1/aws_provider_connection';
import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  OperationErrorSchema,
  OperationOutputSchema,
} from '@planton/api/runner/v1/operation';
import { expect, test } from 'vitest';
import { readCauses } from './read-causes.ts';
import { readVerification } from './read-verification.ts';

const ACCOUNT = '123456789012';
const literal = create(AwsProviderConnectionSpecSchema, {
  accountId: { source: { case: 'value', value: ACCOUNT } },
});
const read = (verdict: AwsAccessVerdict, accountId: string, spec = literal, resolved = new Map()) =>
  readVerification(
    spec,
    resolved,
    create(OperationOutputSchema, {
      kind: { case: 'verifyAwsAccess', value: { verdict, accountId, arn: accountId && 'arn' } },
    }),
  );

const { VERIFIED, REFUSED, INCONCLUSIVE, UNSPECIFIED } = AwsAccessVerdict;

test.each([
  [VERIFIED, ACCOUNT, 'verified'],
  [VERIFIED, '', 'inconclusive'],
  [VERIFIED, '210987654321', 'refused'],
  [VERIFIED, `${ACCOUNT} `, 'refused'],
  [REFUSED, ACCOUNT, 'refused'],
  [REFUSED, '', 'refused'],
  [REFUSED, '210987654321', 'refused'],
  [INCONCLUSIVE, '', 'inconclusive'],
  [INCONCLUSIVE, ACCOUNT, 'inconclusive'],
  [INCONCLUSIVE, '210987654321', 'refused'],
  [UNSPECIFIED, ACCOUNT, 'inconclusive'],
  [99, ACCOUNT, 'inconclusive'],
])('verdict %i for account %j is %s', (verdict, account, outcome) => {
  const conclusion = read(verdict as AwsAccessVerdict, account);
  expect(conclusion.outcome).toBe(outcome);
  expect(conclusion.message).not.toBe('');
  expect(conclusion.checks).toHaveLength(account === '' ? 0 : 1);
});

test('the account of a variable is compared with what it held when it was read', () => {
  const spec = create(AwsProviderConnectionSpecSchema, {
    accountId: { source: { case: 'variable', value: 'account' } },
  });
  const resolved = new Map([['spec.account_id', '000000000001']]);
  expect(read(VERIFIED, '000000000001', spec, resolved).outcome).toBe('verified');
  expect(read(VERIFIED, ACCOUNT, spec, resolved)).toMatchObject({
    outcome: 'refused',
    causes: [{ code: 'WRONG_ACCOUNT' }],
  });
});

test('every cause has its name, and one that is not known is said to be so', () => {
  const codes = Object.values(AwsAccessCauseCode);
  const causes = readCauses(
    create(OperationErrorSchema, { causes: [...codes, 99 as AwsAccessCauseCode].map((code) => ({ code })) }),
  );
  const names = Object.keys(AwsAccessCauseCode).filter((name) => name !== 'UNSPECIFIED');
  expect(causes.map(({ code }) => code)).toEqual(['UNKNOWN', ...names, 'UNKNOWN']);
});
