import { request } from 'node:http';
import { text } from 'node:stream/consumers';
import { describe, expect, test } from 'vitest';
import {
  CUSTOMER,
  EXTERNAL_ID,
  PLATFORM,
  REGION,
  RUNNER_ROLE,
  TEMPLATE_URL,
} from '../testing/connection-template.ts';
import { STACK, useStackRig } from '../testing/stack-rig.ts';

const rig = useStackRig();

const ASKED = {
  region: REGION,
  stackName: STACK,
  templateUrl: TEMPLATE_URL,
  parameters: { PlatformPrincipalArn: RUNNER_ROLE, ExternalId: EXTERNAL_ID, RoleName: 'PlantonConnect-acme' },
  capabilities: ['CAPABILITY_NAMED_IAM'],
};

/** With headers that `fetch` does not let anybody set. */
function ask(method: string, path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) {
  return new Promise<{ status: number; headers: object; body: string }>((resolve, reject) => {
    const sent = body === undefined ? '' : typeof body === 'string' ? body : JSON.stringify(body);
    const asked = request(
      new URL(path, rig.simulator.url),
      {
        method,
        headers: {
          ...(sent !== '' && {
            'content-type': 'application/json',
            'content-length': Buffer.byteLength(sent),
          }),
          ...headers,
        },
      },
      (response) =>
        void text(response).then(
          (answer) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: answer }),
          reject,
        ),
    );
    asked.on('error', reject);
    asked.end(sent);
  });
}

test('serves the page and what belongs to it, which nothing foreign can be put into', async () => {
  await rig.start();
  for (const [path, type] of [
    ['/cloudformation/home?region=us-west-2', 'text/html'],
    ['/console/console.js', 'text/javascript'],
    ['/console/dom.js', 'text/javascript'],
    ['/console/show-quick-create.js', 'text/javascript'],
    ['/console/show-stack.js', 'text/javascript'],
    ['/console/console.css', 'text/css'],
  ] as const) {
    const answer = await ask('GET', path);
    expect(answer).toMatchObject({ status: 200, headers: { 'content-type': expect.stringContaining(type) } });
    expect(answer.headers).toMatchObject({
      'content-security-policy': expect.stringContaining("default-src 'none'"),
    });
    expect(answer.body).not.toContain('innerHTML');
  }
  expect(rig.simulator.requests()).toEqual([]);
});

test('makes, shows and deletes a stack of the account whose console it is', async () => {
  await rig.start(undefined, { consoleAccount: CUSTOMER });
  const made = await ask('POST', '/console/stacks', ASKED);
  expect(made.status).toBe(201);
  const { stackId } = JSON.parse(made.body);
  await rig.simulator.waitForStack(stackId);
  const path = `/console/stack?id=${encodeURIComponent(stackId)}`;
  expect(JSON.parse((await ask('GET', path)).body)).toMatchObject({
    status: 'CREATE_COMPLETE',
    accountId: CUSTOMER,
  });
  expect((await ask('DELETE', path)).status).toBe(202);
  await rig.simulator.waitForStack(stackId);
  expect(JSON.parse((await ask('DELETE', path)).body).message).toContain('does not exist');
});

test("does not show another account's stacks", async () => {
  await rig.start(undefined, { consoleAccount: PLATFORM });
  const { stackId } = await rig.create({}, { accountId: CUSTOMER });
  expect((await ask('GET', `/console/stack?id=${encodeURIComponent(stackId)}`)).status).toBe(400);
  expect((await ask('DELETE', `/console/stack?id=${encodeURIComponent(stackId)}`)).status).toBe(400);
  expect(rig.simulator.stack(stackId)?.status).toBe('CREATE_COMPLETE');
});

test('an account that is not there has no console', async () => {
  await expect(rig.start(undefined, { consoleAccount: '999999999999' })).rejects.toThrow(
    'There is no account 999999999999',
  );
});

describe('refuses', () => {
  test.each<[string, [string, string, unknown?, Record<string, string>?], number]>([
    [
      'another page of the browser',
      ['POST', '/console/stacks', ASKED, { origin: 'https://example.com' }],
      403,
    ],
    ['a sandboxed page', ['POST', '/console/stacks', ASKED, { origin: 'null' }], 403],
    ['a name that leads here', ['GET', '/console/account', undefined, { host: 'example.com' }], 403],
    ['a form', ['POST', '/console/stacks', ASKED, { 'content-type': 'text/plain' }], 400],
    ['a large body', ['POST', '/console/stacks', { ...ASKED, parameters: { a: 'x'.repeat(65_536) } }], 400],
    ['what is not JSON', ['POST', '/console/stacks', '{'], 400],
    ['what is no object', ['POST', '/console/stacks', 'null'], 400],
    ['parameters that are no texts', ['POST', '/console/stacks', { ...ASKED, parameters: { a: 1 } }], 400],
    ['capabilities that are no list', ['POST', '/console/stacks', { ...ASKED, capabilities: 'x' }], 400],
    ['a region that is none', ['POST', '/console/stacks', { ...ASKED, region: 'us-west-9' }], 400],
    ['a region of another partition', ['POST', '/console/stacks', { ...ASKED, region: 'cn-north-1' }], 400],
    ['an unknown path', ['GET', '/console/nothing'], 404],
    ['an unknown method', ['PUT', '/console/stacks', ASKED], 404],
    ['a path out of the folder', ['GET', '/console/../server/service.ts'], 403],
  ])('%s', async (_, [method, path, body, headers], status) => {
    await rig.start();
    expect((await ask(method, path, body, headers)).status).toBe(status);
    expect(rig.simulator.stack(STACK)).toBeUndefined();
  });
});
