import { connect } from 'node:net';
import { AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  ACCOUNT,
  type Begun,
  type CallbackBody,
  OTHER_ACCOUNT,
  startTrustRig,
  type TrustRig,
} from './start-trust-rig.ts';
import { waitUntil } from './wait-until.ts';

// Whoever can reach the server can send a callback. Bodies are read off the stack of a real set-up and changed. The server hears 60
// callbacks of an address in a minute, which the tests together stay below until the last one.

const ROLES = { service: 'sts', action: 'AssumeRole' };

let rig: TrustRig;
/** A set-up whose stack is complete, whose function did not get through, and whose role nobody can try yet. */
let open: Begun;
let genuine: CallbackBody;
let other: Begun;
let slow: ReturnType<typeof stream>;

beforeAll(async () => {
  rig = await startTrustRig();
  await rig.owner.identity.createOrganization({ slug: 'globex' });
  rig.aws.blockCallbacks();
  rig.aws.fail('service_unavailable', Number.POSITIVE_INFINITY, ROLES);
  open = await rig.begin('open');
  other = await rig.begin('other');
  const { stackId } = await rig.aws.quickCreate(open.link);
  await rig.aws.waitForStack(stackId);
  await rig.aws.waitForInvocations();
  genuine = rig.callbackOf(stackId);
}, 120_000);
afterAll(() => rig?.stop());

/** What of a set-up a callback can change. */
const essence = async (begun: Begun) => {
  const { state, roleArn, stackId } = await rig.look(begun);
  return { state, roleArn, stackId };
};
const altered = (text: unknown) => `${String(text).slice(0, -1)}${String(text).endsWith('0') ? '1' : '0'}`;
const inOther = (text: unknown) => String(text).replace(ACCOUNT, OTHER_ACCOUNT);

test('the body of a real stack is what the link said', () => {
  expect(genuine).toMatchObject({
    setupId: open.setup.uid,
    token: open.token,
    accountId: ACCOUNT,
    roleArn: open.setup.roleArn,
    externalId: open.externalId,
  });
});

test('forged, altered, cross-set-up and cross-account callbacks are refused, all with the same words', async () => {
  const foreign = await rig.begin('foreign', { org: 'globex', accountId: OTHER_ACCOUNT });
  const before = await Promise.all([open, other, foreign].map(essence));
  const forgeries: Readonly<Record<string, CallbackBody>> = {
    'a guessed token': { ...genuine, token: 'A'.repeat(43) },
    'an altered token': { ...genuine, token: altered(genuine.token) },
    'the token of another set-up': { ...genuine, token: other.token },
    'the token of another organisation': { ...genuine, token: foreign.token },
    'its token for another set-up': { ...genuine, setupId: other.setup.uid },
    'its token for the set-up of another organisation': { ...genuine, setupId: foreign.setup.uid },
    'its token for no set-up': { ...genuine, setupId: '00000000-0000-4000-8000-000000000000' },
    'an altered external ID': { ...genuine, externalId: altered(genuine.externalId) },
    'the external ID of another connection': { ...genuine, externalId: other.externalId },
    'the external ID in the other case': { ...genuine, externalId: open.externalId.toUpperCase() },
    'another account': {
      ...genuine,
      accountId: OTHER_ACCOUNT,
      roleArn: inOther(genuine.roleArn),
      stackId: inOther(genuine.stackId),
    },
  };
  for (const [what, body] of Object.entries(forgeries)) {
    expect(await rig.callBack(body), what).toEqual({ status: 403, text: '{"status":"refused"}' });
  }
  expect(await Promise.all([open, other, foreign].map(essence))).toEqual(before);
  expect(await rig.connections()).toEqual([]);
  expect(await rig.connections('globex')).toEqual([]);
  const reasons = (await rig.audit('trust_setup.callback', 'open')).map(({ details }) => details.reason);
  expect(new Set(reasons)).toEqual(new Set(['SETUP_MISMATCH', 'ACCOUNT_MISMATCH', 'EXTERNAL_ID_MISMATCH']));
});

test('malformed callbacks are refused, all with the same words', async () => {
  const text = JSON.stringify(genuine);
  const { token: _, ...withoutToken } = genuine;
  const malformed: Readonly<Record<string, unknown>> = {
    nothing: '',
    'half a body': text.slice(0, text.length / 2),
    'another format': 'setupId=1&token=2',
    'a list': [genuine],
    null: 'null',
    'a field too few': withoutToken,
    'a field too many': { ...genuine, admin: 'true' },
    'a prototype': text.replace('"templateVersion"', '"__proto__"'),
    'a token that is a number': { ...genuine, token: 1 },
    'a token that is a list': { ...genuine, token: [genuine.token] },
    'a token and a NUL': { ...genuine, token: `${genuine.token}\0` },
    'a statement in the set-up': { ...genuine, setupId: "' or 1=1; drop table connect.connection; --" },
    'an account that its ARNs are not of': { ...genuine, accountId: OTHER_ACCOUNT },
    'a role of another account': { ...genuine, roleArn: inOther(genuine.roleArn) },
    'a stack of another account': { ...genuine, stackId: inOther(genuine.stackId) },
    'a user for a role': { ...genuine, roleArn: `arn:aws:iam::${ACCOUNT}:user/planton` },
    'a role in another partition': { ...genuine, roleArn: String(genuine.roleArn).replace('aws', 'aws-cn') },
    'lines in a role': { ...genuine, roleArn: `${genuine.roleArn}\nadmin` },
  };
  for (const [what, body] of Object.entries(malformed)) {
    expect(await rig.callBack(body), what).toEqual({ status: 400, text: '{"status":"malformed"}' });
  }
  expect(await rig.callBack({ ...genuine, templateVersion: 'x'.repeat(9_000) })).toEqual({
    status: 413,
    text: '{"status":"too large"}',
  });
  for (const method of ['GET', 'PUT', 'DELETE']) {
    const { status } = await fetch(`${rig.platform.url}/callbacks/aws/cloudformation`, { method });
    expect(status).toBeGreaterThanOrEqual(400);
  }
});

/** Sends the head of a callback and then the bytes until the server has ended the connection. */
function stream(head: string, chunk: string, everyMs: number): Promise<{ answer: string; sent: number }> {
  const { hostname, port } = new URL(rig.platform.url);
  return new Promise((resolve) => {
    let answer = '';
    let sent = 0;
    const socket = connect(Number(port), hostname);
    socket.write(`POST /callbacks/aws/cloudformation HTTP/1.1\r\nHost: ${hostname}\r\n${head}\r\n\r\n`);
    const timer = setInterval(() => {
      if (socket.destroyed) return;
      socket.write(chunk);
      sent += chunk.length;
    }, everyMs);
    socket.setEncoding('latin1').on('data', (data: string) => {
      answer += data;
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      resolve({ answer, sent });
    });
  });
}

test('callbacks without end are cut off', async () => {
  const kilobyte = 'x'.repeat(1024);
  const endless = stream('Transfer-Encoding: chunked', `400\r\n${kilobyte}\r\n`, 5);
  const huge = stream('Content-Length: 1099511627776', kilobyte, 5);
  slow = stream('Content-Length: 4096', '{', 500);
  const cut = [await endless, await huge];
  for (const { answer, sent } of cut) {
    expect(answer).toMatch(/^HTTP\/1\.1 413 /);
    // What was under way when the answer came, and no more.
    expect(sent).toBeLessThan(4 * 1024 * 1024);
  }
  expect((await fetch(`${rig.platform.url}/readyz`)).ok).toBe(true);
  expect(await rig.connections()).toEqual([]);
}, 60_000);

test('a callback that comes a byte at a time is cut off, too', async () => {
  expect((await slow).answer).toMatch(/^HTTP\/1\.1 (408|503) /);
}, 40_000);

test('after all that the genuine callback is heard, once, and again with the same answer', async () => {
  rig.aws.heal();
  const heard = { status: 200, text: '{"status":"accepted"}' };
  const answers = await Promise.all(Array.from({ length: 4 }, () => rig.callBack(genuine)));
  expect(answers).toEqual([heard, heard, heard, heard]);
  expect(await rig.callBack({ ...genuine, roleArn: `${genuine.roleArn}-2` })).toMatchObject({ status: 403 });
  expect(await rig.wait(open)).toMatchObject({
    state: AwsTrustSetupState.COMPLETED,
    roleArn: open.setup.roleArn,
  });
  expect(await rig.callBack(genuine)).toEqual(heard);
  expect(await rig.callBack({ ...genuine, roleArn: `${genuine.roleArn}-2` })).toMatchObject({ status: 403 });
  const all = await rig.audit('trust_setup.callback', 'open');
  expect(all.filter(({ details }) => details.reason === undefined)).toHaveLength(1);
  expect(await rig.audit('trust_setup.complete', 'open')).toHaveLength(1);
  expect(await rig.audit('connection.create', 'open')).toHaveLength(1);
  expect(await rig.connections()).toEqual(['open']);
}, 90_000);

test('a claim about another role is taken for a hint: the role that was agreed on is found all the same', async () => {
  const stranger = rig.aws.putRole(ACCOUNT, {
    name: 'OrganizationAdmin',
    trustPolicy: JSON.parse(other.trustPolicy.replaceAll(other.externalId, 'f'.repeat(64))),
  });
  const claim = { ...genuine, setupId: other.setup.uid, token: other.token, externalId: other.externalId };
  expect((await rig.callBack({ ...claim, roleArn: stranger })).status).toBe(200);
  const { attempts } = await rig.look(other);
  const waiting = await rig.wait(other, (setup) => setup.attempts > attempts);
  expect(waiting.state).toBe(AwsTrustSetupState.VERIFYING);
  const { setup, stack } = await rig.connect('other', {}, other);
  expect(setup).toMatchObject({ roleArn: other.setup.roleArn, stackId: stack.stackId });
}, 90_000);

test('a flood is turned away, and whoever is turned away with it is connected all the same', async () => {
  const flood = await Promise.all(
    Array.from({ length: 300 }, (_, index) =>
      rig.callBack({ ...genuine, token: `${index}`.padEnd(43, 'f') }),
    ),
  );
  const answers = new Set(flood.map(({ status }) => status));
  expect([...answers].filter((status) => status !== 403)).toEqual([429]);
  expect(flood.filter(({ status }) => status === 429).length).toBeGreaterThan(200);
  await rig.owner.connections.listConnections({ org: 'acme' });

  const begun = await rig.begin('flooded', { region: 'eu-west-1' });
  const { stackId } = await rig.aws.quickCreate(begun.link);
  expect(await rig.aws.waitForStack(stackId)).toMatchObject({ status: 'CREATE_COMPLETE' });
  await waitUntil('the function', () =>
    rig.aws.invocations().some(({ log }) => log.includes('not heard: 429')),
  );
  expect(await rig.wait(begun)).toMatchObject({ state: AwsTrustSetupState.COMPLETED });
}, 120_000);
