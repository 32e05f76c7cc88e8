import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  AwsExternalIdFinding,
  AwsTrustProbeKind,
  AwsTrustProbeResult,
  OperationErrorKind,
} from '@planton/api/runner/v1/operation';
import { describe, expect, test } from 'vitest';
import { type CarriedOut, carryOut, errorOf, outputOf } from '../../testing/carry-out.ts';
import {
  answer,
  denial,
  type QueryAnswer,
  refusal,
  sessionOf,
  useQueryServers,
} from '../../testing/start-query-server.ts';
import {
  ACCOUNT,
  accountsOf,
  EXTERNAL_ID,
  OTHER_ACCOUNT,
  ROLE,
  TAGGING,
  TRUST,
  useAws,
} from '../../testing/use-aws.ts';
import { useRunner } from '../../testing/use-runner.ts';

const aws = useAws();
const rig = useRunner();
const startServer = useQueryServers();
const { ENFORCED, NOT_ENFORCED, INCONCLUSIVE, UNSPECIFIED } = AwsExternalIdFinding;
const { DENIED, ACCEPTED } = AwsTrustProbeResult;
const kinds = ['NONE', 'WRONG', 'TRUNCATED', 'EXTENDED', 'CASE_FLIPPED'] as const;
const ARN = `arn:aws:sts::${ACCOUNT}:assumed-role/PlantonRole/planton`;
const DENY_ALL = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}';

interface Given {
  readonly accountId?: string;
  readonly probe?: boolean;
  readonly stack?: string;
}

function run(given: Given = {}, role: object = {}, platform = true): Promise<CarriedOut> {
  aws().signInAsRunner();
  const value = {
    accountId: ACCOUNT,
    region: 'us-west-2',
    role: { roleArn: ROLE, externalId: EXTERNAL_ID, sessionName: 'planton', ...role },
    ...given,
  };
  return carryOut(rig(), { case: 'verifyAwsTrust', value }, { platform });
}

async function verify(given: Given = {}, role: object = {}) {
  const carried = await run(given, role);
  return { ...carried, output: outputOf(carried.result, 'verifyAwsTrust') };
}

/** STS that answers each AssumeRole by its external ID; empty for none. */
async function stsThat(answerTo: (externalId: string, nth: number) => QueryAnswer) {
  let nth = 0;
  const server = await startServer((parameters) => {
    if (parameters.get('Action') !== 'AssumeRole') return sessionOf(parameters);
    return answerTo(parameters.get('ExternalId') ?? '', nth++);
  });
  process.env.AWS_ENDPOINT_URL_STS = server.url;
  return server;
}
const asked = () =>
  aws()
    .simulator.requests()
    .flatMap(({ assumeRole, region, callerArn }) =>
      assumeRole ? [{ ...assumeRole, region, callerArn }] : [],
    );

describe('without probes', () => {
  test('a role that lets the platform in is assumed once', async () => {
    const { output, steps } = await verify();
    expect(output).toMatchObject({
      verdict: AwsAccessVerdict.VERIFIED,
      accountId: ACCOUNT,
      arn: ARN,
      observation: `AWS answered for account ${ACCOUNT} as ${ARN}`,
      causes: [],
      externalId: UNSPECIFIED,
      probes: [],
      stackObservation: '',
      takesSessionTags: false,
    });
    expect(steps).toEqual([
      'looking for the AWS identity of the runner: running',
      'looking for the AWS identity of the runner: passed',
      `assuming ${ROLE}: running`,
      `assuming ${ROLE}: passed`,
      'asking STS in us-west-2 who the caller is: running',
      `asking STS in us-west-2 who the caller is: passed - ${ARN}`,
      `comparing the account: passed - AWS answered for account ${ACCOUNT}`,
    ]);
    expect(asked()).toMatchObject([{ externalId: EXTERNAL_ID, durationSeconds: 900, policy: DENY_ALL }]);
  });

  test('a role that does not is a finding, and nothing else is tried', async () => {
    aws().simulator.replaceAccounts(accountsOf([{ ...TRUST, Principal: { AWS: ACCOUNT } }]));
    const { output } = await verify({ probe: true, stack: 'planton-connect-a' });
    expect(output).toMatchObject({
      verdict: AwsAccessVerdict.REFUSED,
      accountId: '',
      externalId: UNSPECIFIED,
      probes: [],
      causes: [{ code: AwsAccessCauseCode.TRUST_POLICY }, { code: AwsAccessCauseCode.EXTERNAL_ID }, {}, {}],
    });
    expect(output.causes[0]?.hint).toContain('planton connect aws --reconnect');
    expect(output.observation).toContain('AccessDenied');
    expect(asked()).toHaveLength(1);
  });

  test('a session that turns out to be of another account is refused, and nothing else is tried', async () => {
    const server = await startServer((parameters) => sessionOf(parameters, OTHER_ACCOUNT));
    process.env.AWS_ENDPOINT_URL_STS = server.url;
    const { output } = await verify({ probe: true });
    expect(output).toMatchObject({
      verdict: AwsAccessVerdict.REFUSED,
      accountId: OTHER_ACCOUNT,
      causes: [{ code: AwsAccessCauseCode.WRONG_ACCOUNT }],
      probes: [],
    });
    expect(server.requests).toHaveLength(2);
  });

  test('throttling says nothing', async () => {
    aws().simulator.fail('throttling', Number.POSITIVE_INFINITY);
    expect((await verify()).output).toMatchObject({
      verdict: AwsAccessVerdict.INCONCLUSIVE,
      causes: [{ code: AwsAccessCauseCode.THROTTLED }],
    });
  });
});

describe('probing', () => {
  test('a role that insists is enforced: every wrong one was denied, between two right ones', async () => {
    const { output, steps } = await verify({ probe: true });
    expect(output).toMatchObject({ verdict: AwsAccessVerdict.VERIFIED, externalId: ENFORCED });
    expect(output.probes).toMatchObject(
      kinds.map((kind) => ({ kind: AwsTrustProbeKind[kind], result: DENIED, observation: 'AccessDenied' })),
    );
    const calls = asked();
    expect(calls).toHaveLength(7);
    expect([calls.at(0)?.externalId, calls.at(-1)?.externalId]).toEqual([EXTERNAL_ID, EXTERNAL_ID]);
    const tried = calls.slice(1, -1).map(({ externalId }) => externalId);
    expect(tried).toContain(undefined);
    expect(tried).toContain(EXTERNAL_ID.slice(0, -1));
    expect(tried).toContain(EXTERNAL_ID.toUpperCase());
    expect(tried).not.toContain(EXTERNAL_ID);
    // But for the external ID the attempts are the same.
    const rest = calls.map(({ externalId: _, ...call }) => JSON.stringify(call));
    expect(new Set(rest).size).toBe(1);
    expect(calls[0]).toMatchObject({ durationSeconds: 900, policy: DENY_ALL, region: 'us-west-2' });
    expect(steps).toContain('trying the role without the external ID: passed - AWS denied it, as it should');
    expect(steps.at(-1)).toBe('trying the role with its external ID again: passed');
  });

  test.each([
    ['asks for no external ID', { Condition: undefined }, kinds],
    [
      'takes any that begins like it',
      { Condition: { StringLike: { 'sts:ExternalId': `${EXTERNAL_ID}*` } } },
      ['EXTENDED'],
    ],
    [
      'ignores the case',
      { Condition: { StringEqualsIgnoreCase: { 'sts:ExternalId': EXTERNAL_ID } } },
      ['CASE_FLIPPED'],
    ],
    [
      'asks for it only where there is one',
      { Condition: { StringEqualsIfExists: { 'sts:ExternalId': EXTERNAL_ID } } },
      ['NONE'],
    ],
  ] as const)('a role that %s is not', async (_, change, letIn) => {
    aws().simulator.replaceAccounts(accountsOf([JSON.parse(JSON.stringify({ ...TRUST, ...change }))]));
    const { output, steps } = await verify({ probe: true });
    expect(output).toMatchObject({ verdict: AwsAccessVerdict.VERIFIED, externalId: NOT_ENFORCED });
    expect(output.probes.filter(({ result }) => result === ACCEPTED).map(({ kind }) => kind)).toEqual(
      letIn.map((kind) => AwsTrustProbeKind[kind]),
    );
    expect(steps.filter((step) => step.endsWith('failed - AWS let it in'))).toHaveLength(letIn.length);
  });

  test('one that was let in counts more than others that could not be tried', async () => {
    await stsThat((externalId) => {
      if (externalId === EXTERNAL_ID || externalId === '') return sessionOf(new URLSearchParams());
      return refusal('InternalFailure', '', 500);
    });
    const { output, result } = await verify({ probe: true });
    expect(output.externalId).toBe(NOT_ENFORCED);
    expect(output.probes.filter(({ result }) => result === AwsTrustProbeResult.INCONCLUSIVE)).toHaveLength(4);
    expect(
      JSON.stringify(result, (_, value) => (typeof value === 'bigint' ? `${value}` : value)),
    ).not.toMatch(/session.canary|ASIASESSION/);
  });

  test.each([
    ['ValidationError', refusal('ValidationError', 'is not valid', 400)],
    ['InvalidClientTokenId', refusal('InvalidClientTokenId', 'token', 403)],
    ['AccessDenied (HTTP 400)', refusal('AccessDenied', 'odd', 400)],
    ['HTTP 403', { status: 403, body: '<html>AccessDenied</html>' }],
    ['HTTP 200', answer('AssumeRole', '<Nothing/>')],
  ] as const)('%s is no denial', async (words, answered) => {
    await stsThat((externalId) =>
      externalId === EXTERNAL_ID ? sessionOf(new URLSearchParams()) : (answered as QueryAnswer),
    );
    const { output } = await verify({ probe: true });
    expect(output).toMatchObject({ verdict: AwsAccessVerdict.VERIFIED, externalId: INCONCLUSIVE });
    expect(output.probes).toHaveLength(5);
    for (const { result, observation } of output.probes) {
      expect(result).toBe(AwsTrustProbeResult.INCONCLUSIVE);
      expect(observation).toContain(words);
    }
  });

  test('denials prove nothing where the right one is denied afterwards', async () => {
    let right = 0;
    await stsThat((externalId) =>
      externalId === EXTERNAL_ID && right++ === 0 ? sessionOf(new URLSearchParams()) : denial(),
    );
    const { output } = await verify({ probe: true, stack: 'planton-connect-a' });
    expect(output).toMatchObject({
      verdict: AwsAccessVerdict.INCONCLUSIVE,
      externalId: INCONCLUSIVE,
      arn: ARN,
    });
    expect(output.causes.length).toBeGreaterThan(1);
    expect(output.probes.every(({ result }) => result === DENIED)).toBe(true);
  });

  test('nor where it cannot be tried afterwards, which says nothing about the role', async () => {
    let right = 0;
    await stsThat((externalId) => {
      if (externalId !== EXTERNAL_ID) return denial();
      return right++ === 0 ? sessionOf(new URLSearchParams()) : refusal('InternalFailure', '', 500);
    });
    const { output } = await verify({ probe: true });
    expect(output).toMatchObject({ verdict: AwsAccessVerdict.VERIFIED, externalId: INCONCLUSIVE });
  });

  test('a probe that is not answered has its time, and the rest goes on', { timeout: 30_000 }, async () => {
    await stsThat((externalId) => {
      if (externalId === '') return 'hang';
      return externalId === EXTERNAL_ID ? sessionOf(new URLSearchParams()) : denial();
    });
    const { output } = await verify({ probe: true });
    expect(output).toMatchObject({ verdict: AwsAccessVerdict.VERIFIED, externalId: INCONCLUSIVE });
    expect(output.probes[0]).toMatchObject({ result: AwsTrustProbeResult.INCONCLUSIVE });
    expect(output.probes.slice(1).every(({ result }) => result === DENIED)).toBe(true);
  });
});

describe('session tags', () => {
  const tagged = { tags: { 'planton:connection': 'a' }, sourceIdentity: 'alice' };

  test('are taken by a role that allows them', async () => {
    aws().simulator.replaceAccounts(accountsOf([TRUST, TAGGING]));
    const { output } = await verify({}, tagged);
    expect(output.takesSessionTags).toBe(true);
    const [plain, second] = asked();
    expect([plain?.tags.size, plain?.sourceIdentity]).toEqual([0, undefined]);
    expect([...(second?.tags ?? [])]).toEqual([['planton:connection', 'a']]);
    expect(second).toMatchObject({ sourceIdentity: 'alice', policy: DENY_ALL, durationSeconds: 900 });
  });

  test('that a role takes none changes nothing else', async () => {
    const { output, steps } = await verify({ probe: true }, tagged);
    expect(output).toMatchObject({
      verdict: AwsAccessVerdict.VERIFIED,
      externalId: ENFORCED,
      takesSessionTags: false,
    });
    expect(steps.at(-1)).toBe(
      'trying session tags and a source identity: passed - the role takes none, so its sessions go without them',
    );
  });
});

describe('the stack', () => {
  const stackArn = `arn:aws:cloudformation:us-west-2:${ACCOUNT}:stack/planton-connect-a/0a1b`;

  async function cloudFormationThat(answered: QueryAnswer) {
    const server = await startServer(() => answered);
    process.env.AWS_ENDPOINT_URL_CLOUDFORMATION = server.url;
    return server;
  }
  const described = answer(
    'DescribeStacks',
    `<Stacks><member><StackName>planton-connect-a</StackName><StackId>${stackArn}</StackId><CreationTime>2026-01-01T00:00:00Z</CreationTime>
     <StackStatus>ROLLBACK_COMPLETE</StackStatus><StackStatusReason>no quota</StackStatusReason></member></Stacks>`,
  );

  test.each(['planton-connect-a', stackArn])(
    '%s is read in a session that may do nothing else',
    async (stack) => {
      const server = await cloudFormationThat(described);
      const { output, steps } = await verify({ stack });
      expect(output.stack).toMatchObject({
        id: stackArn,
        status: 'ROLLBACK_COMPLETE',
        statusReason: 'no quota',
      });
      expect(output.stackObservation).toBe('');
      expect(server.requests.map((request) => [request.get('Action'), request.get('StackName')])).toEqual([
        ['DescribeStacks', stack],
      ]);
      const resource = stack === stackArn ? stackArn : stackArn.replace('0a1b', '*');
      expect(JSON.parse(asked().at(-1)?.policy ?? '')).toEqual({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'cloudformation:DescribeStacks', Resource: resource }],
      });
      expect(steps.at(-1)).toBe(`reading the status of stack ${stack}: passed - ROLLBACK_COMPLETE`);
    },
  );

  test.each([
    ['does not exist', refusal('ValidationError', 'Stack with id planton-connect-a does not exist', 400)],
    ['could not be read: AWS answered AccessDenied', refusal('AccessDenied', 'no')],
    ['could not be read: HTTP 200', answer('DescribeStacks', '<Stacks/>')],
  ] as const)('that it %s is said, and the role is verified', async (words, answered) => {
    await cloudFormationThat(answered as QueryAnswer);
    const { output } = await verify({ stack: 'planton-connect-a' });
    expect(output.verdict).toBe(AwsAccessVerdict.VERIFIED);
    expect(output.stack).toBeUndefined();
    expect(output.stackObservation).toContain(words);
    expect(output.stackObservation).not.toMatch(/session.canary|ASIA[A-Z]/);
  });

  test('so it is of a network that is down, and of what is no stack of the place', async () => {
    process.env.AWS_ENDPOINT_URL_CLOUDFORMATION = 'http://127.0.0.1:1';
    expect((await verify({ stack: 'planton-connect-a' })).output.stackObservation).toContain('ECONNREFUSED');
    const other = stackArn.replace(ACCOUNT, OTHER_ACCOUNT);
    expect((await verify({ stack: other })).output.stackObservation).toContain('no stack of this account');
  });
});

describe('what is not tried', () => {
  test.each([
    ['ROLE_OF_ANOTHER_ACCOUNT', { accountId: OTHER_ACCOUNT }, {}, true],
    ['ROLE_ARN_INVALID', {}, { roleArn: `arn:aws:iam::${ACCOUNT}:user/a-user` }, true],
    ['EXTERNAL_ID_REQUIRED', {}, { externalId: '' }, true],
    ['EXTERNAL_ID_MISSING', {}, { externalId: '' }, false],
  ])('%s', async (reason, given, role, platform) => {
    const { result } = await run(given, role, platform);
    const kind = reason === 'EXTERNAL_ID_REQUIRED' ? OperationErrorKind.REFUSED : OperationErrorKind.INVALID;
    expect(errorOf(result)).toMatchObject({ kind, reason });
    expect(aws().simulator.requests()).toEqual([]);
  });
});
