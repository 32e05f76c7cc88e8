import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  AwsExternalIdFinding,
  AwsTrustProbeKind,
  AwsTrustProbeResult,
  OperationOutputSchema,
  type VerifyAwsTrustOutputSchema,
} from '@planton/api/runner/v1/operation';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildTrustOperation, rankCausesOfNewRole, readTrustOutput } from './trust-operation.ts';

const ACCOUNT = '123456789012';
const ARN = `arn:aws:sts::${ACCOUNT}:assumed-role/Role/planton`;
const { ENFORCED, NOT_ENFORCED, INCONCLUSIVE, UNSPECIFIED } = AwsExternalIdFinding;
const { DENIED, ACCEPTED } = AwsTrustProbeResult;
const { NONE, WRONG, TRUNCATED, EXTENDED, CASE_FLIPPED } = AwsTrustProbeKind;
const every = [NONE, WRONG, TRUNCATED, EXTENDED, CASE_FLIPPED];

type Output = MessageInitShape<typeof VerifyAwsTrustOutputSchema>;
const good: Output = { verdict: AwsAccessVerdict.VERIFIED, accountId: ACCOUNT, arn: ARN };
const read = (output: Output) =>
  readTrustOutput(
    create(OperationOutputSchema, { kind: { case: 'verifyAwsTrust', value: output } }),
    ACCOUNT,
  );
const probed = (kinds: readonly AwsTrustProbeKind[], result: AwsTrustProbeResult = DENIED) =>
  kinds.map((kind) => ({ kind, result }));

describe('the operation', () => {
  const role = {
    roleArn: `arn:aws:iam::${ACCOUNT}:role/Role`,
    externalId: 'a'.repeat(64),
    sessionName: 'planton',
  };

  test('holds what it is given', () => {
    const place = { accountId: ACCOUNT, region: 'us-west-2' };
    const more = {
      stack: 'planton-connect-a',
      sourceIdentity: 'alice',
      tags: { 'planton:organization': 'acme' },
    };
    const input = buildTrustOperation({ ...place, ...role, ...more, probe: true });
    const { sourceIdentity, tags, stack } = more;
    expect(input.kind).toMatchObject({
      case: 'verifyAwsTrust',
      value: { ...place, probe: true, stack, role: { ...role, sourceIdentity, tags } },
    });
  });

  test('leaves out what is not there', () => {
    const input = buildTrustOperation({ accountId: ACCOUNT, region: 'us-west-2', ...role, probe: false });
    expect(input.kind.value).toMatchObject({
      probe: false,
      stack: '',
      role: { sourceIdentity: '', tags: {} },
    });
  });
});

describe('what is read', () => {
  test('of a role that lets the platform in', () => {
    const stack = { id: 'arn:stack', status: 'CREATE_COMPLETE', statusReason: 'why' };
    expect(read({ ...good, stack, takesSessionTags: true })).toEqual({
      verdict: 'verified',
      arn: ARN,
      accountId: ACCOUNT,
      observation: `account ${ACCOUNT} answered as ${ARN}`,
      causes: [],
      externalId: 'not_probed',
      letIn: [],
      stack: { id: 'arn:stack', status: 'CREATE_COMPLETE', reason: 'why' },
      stackObservation: '',
      takesSessionTags: true,
    });
  });

  test('of one that does not', () => {
    const causes = [{ code: AwsAccessCauseCode.TRUST_POLICY, message: 'm', hint: 'h' }];
    const observation = 'AccessDenied: no';
    expect(read({ verdict: AwsAccessVerdict.REFUSED, observation, causes })).toMatchObject({
      verdict: 'refused',
      observation,
      causes: [{ code: 'TRUST_POLICY', message: 'm', hint: 'h' }],
    });
    expect(read({ verdict: AwsAccessVerdict.REFUSED }).observation).toBe('the role was refused');
    expect(read({ verdict: AwsAccessVerdict.INCONCLUSIVE })).toMatchObject({ verdict: 'inconclusive' });
    expect(read({})).toMatchObject({ verdict: 'inconclusive', externalId: 'not_probed' });
  });

  test('another account is refused whatever the runner says, and none verifies nothing', () => {
    expect(read({ ...good, accountId: '210987654321' })).toMatchObject({
      verdict: 'refused',
      causes: [{ code: 'WRONG_ACCOUNT' }],
    });
    expect(read({ ...good, accountId: '' })).toMatchObject({
      verdict: 'inconclusive',
      causes: [{ code: 'ANSWER_NOT_UNDERSTOOD' }],
    });
  });

  test('an answer to another question says nothing', () => {
    const output = create(OperationOutputSchema, { kind: { case: 'ping', value: {} } });
    expect(readTrustOutput(output, ACCOUNT)).toMatchObject({
      verdict: 'inconclusive',
      externalId: 'not_probed',
      causes: [{ code: 'ANSWER_NOT_UNDERSTOOD' }],
    });
  });

  test.each([
    ['enforced', ENFORCED, probed(every)],
    ['enforced', ENFORCED, probed([NONE, WRONG, TRUNCATED, EXTENDED])],
    ['inconclusive', ENFORCED, probed([NONE, WRONG, TRUNCATED])],
    ['inconclusive', ENFORCED, []],
    ['inconclusive', ENFORCED, [...probed(every), ...probed([NONE], AwsTrustProbeResult.INCONCLUSIVE)]],
    ['inconclusive', UNSPECIFIED, probed(every)],
    ['inconclusive', INCONCLUSIVE, probed(every)],
    ['inconclusive', 99 as AwsExternalIdFinding, probed(every)],
    ['not_enforced', NOT_ENFORCED, []],
    ['not_enforced', ENFORCED, [...probed(every), ...probed([WRONG], ACCEPTED)]],
    ['not_enforced', UNSPECIFIED, probed([NONE], ACCEPTED)],
    ['not_probed', UNSPECIFIED, []],
  ] as const)('the external ID is %s for finding %i', (expected, externalId, probes) => {
    expect(read({ ...good, externalId, probes: [...probes] }).externalId).toBe(expected);
  });

  test('whom the role let in is said', () => {
    const probes = [...probed([NONE, EXTENDED], ACCEPTED), ...probed([WRONG])];
    expect(read({ ...good, externalId: NOT_ENFORCED, probes }).letIn).toEqual([
      'without the external ID',
      'with the external ID and one character more',
    ]);
  });

  test('of a new role that it may not be known everywhere is the first cause, and nothing is lost', () => {
    const [trust, propagating, policy] = ['TRUST_POLICY', 'PROPAGATING', 'ORGANIZATION_POLICY'].map(
      (code) => ({
        code,
        message: 'm',
        hint: 'h',
      }),
    );
    if (!trust || !propagating || !policy) throw new Error('no causes');
    expect(rankCausesOfNewRole([trust, propagating, policy])).toEqual([propagating, trust, policy]);
    expect(rankCausesOfNewRole([trust, policy])).toEqual([trust, policy]);
  });

  test('it is never enforced where a probe was not denied, or the role did not let the platform in', () => {
    const probe = fc.record({
      kind: fc.constantFrom(...every),
      result: fc.constantFrom(...[0, 1, 2, 3, 99]) as fc.Arbitrary<AwsTrustProbeResult>,
    });
    fc.assert(
      fc.property(
        fc.constantFrom(0, 1, 2, 3, 99) as fc.Arbitrary<AwsAccessVerdict>,
        fc.constantFrom(0, 1, 2, 3, 99) as fc.Arbitrary<AwsExternalIdFinding>,
        fc.oneof(fc.array(probe), fc.constant(probed(every))),
        (verdict, externalId, probes) => {
          const facts = read({ verdict, externalId, probes, accountId: ACCOUNT, arn: ARN });
          if (facts.externalId === 'enforced') {
            expect(verdict).toBe(AwsAccessVerdict.VERIFIED);
            expect(probes.every(({ result }) => result === DENIED)).toBe(true);
          }
          if (probes.some(({ result }) => result === ACCEPTED)) expect(facts.externalId).toBe('not_enforced');
        },
      ),
    );
  });
});
