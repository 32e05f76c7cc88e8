import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { CALLBACK_CODE, LONGEST_INLINE_CODE } from './callback-code.ts';
import { type Answer, type Endpoint, openEndpoint, runCallback } from './testing/run-callback.ts';

const ACCEPTED: Answer = { status: 200, body: '{"status":"accepted"}' };
const TOKEN = 'a-token-that-nobody-logs';
const BODY = { setupId: 'setup-1', token: TOKEN, accountId: '210987654321', templateVersion: '1.0.0' };
const STACK = 'arn:aws:cloudformation:us-west-2:210987654321:stack/planton-connect/8a1f';

let opened: Endpoint[] = [];
const open = async (...answers: Answer[]) => {
  const endpoint = await openEndpoint(...answers);
  opened.push(endpoint);
  return endpoint;
};
afterEach(() => {
  for (const endpoint of opened) endpoint.close();
  opened = [];
});

const eventFor = (platform: Endpoint, bucket: Endpoint, more: object = {}) => ({
  RequestType: 'Create',
  ResponseURL: `${bucket.url}/response?X-Amz-Signature=secret`,
  StackId: STACK,
  RequestId: 'request-1',
  LogicalResourceId: 'Callback',
  ResourceType: 'Custom::PlantonCallback',
  ResourceProperties: { ServiceToken: 'arn', Url: `${platform.url}/callbacks/aws`, Body: BODY },
  ...more,
});

/** What CloudFormation got: exactly one answer that it takes. */
function answerIn(bucket: Endpoint, tries = 1) {
  expect(bucket.received).toHaveLength(tries);
  const last = bucket.received.at(-1);
  expect(last).toMatchObject({ method: 'PUT', url: '/response?X-Amz-Signature=secret' });
  expect(last?.headers['content-type'] ?? '').toBe('');
  expect(last?.headers['content-length']).toBe(String(Buffer.byteLength(last?.body ?? '')));
  expect(Buffer.byteLength(last?.body ?? '')).toBeLessThanOrEqual(4096);
  expect(last?.body).not.toContain(TOKEN);
  const answer: Record<string, unknown> = JSON.parse(last?.body ?? '');
  expect(answer).toMatchObject({
    Status: 'SUCCESS',
    StackId: STACK,
    RequestId: 'request-1',
    LogicalResourceId: 'Callback',
  });
  return answer;
}

test('fits into a template, and is plain ASCII in lines that can be reviewed', () => {
  expect(CALLBACK_CODE.length).toBeLessThan(LONGEST_INLINE_CODE);
  for (const line of CALLBACK_CODE.split('\n')) expect(line).toMatch(/^[\x20-\x7e]{0,110}$/);
});

describe('a request', () => {
  test.each(['Create', 'Update'])(
    'to %s calls the platform once and answers SUCCESS',
    async (RequestType) => {
      const [platform, bucket] = [await open(ACCEPTED), await open()];
      await runCallback(eventFor(platform, bucket, { RequestType }));
      expect(platform.received).toHaveLength(1);
      expect(platform.received[0]).toMatchObject({ method: 'POST', url: '/callbacks/aws' });
      expect(platform.received[0]?.headers['content-type']).toBe('application/json');
      expect(JSON.parse(platform.received[0]?.body ?? '')).toEqual(BODY);
      expect(answerIn(bucket)).toMatchObject({ Reason: 'Callback heard' });
    },
  );

  test.each(['Delete', 'Rename', '', undefined])(
    'to %j calls nobody and answers SUCCESS',
    async (RequestType) => {
      const [platform, bucket] = [await open(ACCEPTED), await open()];
      await runCallback(eventFor(platform, bucket, { RequestType }));
      expect(platform.received).toEqual([]);
      answerIn(bucket);
    },
  );

  test('keeps the id of the resource: an update never becomes a replacement', async () => {
    const [platform, bucket, later] = [await open(ACCEPTED), await open(), await open()];
    await runCallback(eventFor(platform, bucket));
    const { PhysicalResourceId } = answerIn(bucket);
    expect(PhysicalResourceId).toBe(`${STACK}/Callback`);
    await runCallback(eventFor(platform, later, { RequestType: 'Update', PhysicalResourceId: 'as-it-was' }));
    expect(answerIn(later)).toMatchObject({ PhysicalResourceId: 'as-it-was' });
  });

  test('as large as CloudFormation makes them is answered in 4,096 bytes', async () => {
    const [platform, bucket] = [await open(ACCEPTED), await open()];
    const long = { PhysicalResourceId: 'p'.repeat(1024), RequestType: 'Update' };
    await runCallback(eventFor(platform, bucket, long));
    answerIn(bucket);
  });
});

describe('a platform', () => {
  const failed: Answer = { status: 500, body: '{"status":"accepted"}' };

  test.each<[string, Answer[], number, string]>([
    ['that fails once', [failed, ACCEPTED], 2, 'heard'],
    ['that is busy', [{ status: 429 }, ACCEPTED], 2, 'heard'],
    ['that drops the connection', ['drop', ACCEPTED], 2, 'heard'],
    ['behind a page that says 200', [{ status: 200, body: '<html>' }, ACCEPTED], 2, 'heard'],
    ['that answers nothing', [{ status: 204 }], 4, 'not heard: 204'],
    ['that always fails', [failed], 4, 'not heard: 500'],
    ['that refuses', [{ status: 403 }], 1, 'not heard: 403'],
    ['that does not find it', [{ status: 404 }], 1, 'not heard: 404'],
    ['that is always busy', [{ status: 429 }], 4, 'not heard: 429'],
    ['that sends elsewhere', [{ status: 307 }], 4, 'TypeError'],
  ])('%s', async (_name, answers, calls, outcome) => {
    const [platform, bucket] = [await open(...answers), await open()];
    await runCallback(eventFor(platform, bucket));
    expect(platform.received).toHaveLength(calls);
    expect(platform.received.map(({ url }) => url)).not.toContain('/elsewhere');
    expect(answerIn(bucket)).toMatchObject({ Reason: `Callback ${outcome}` });
  });

  test('that answers without end is not read to the end', async () => {
    const endless = { status: 200, body: `${' '.repeat(10_000_000)}"status":"accepted"` };
    const [platform, bucket] = [await open(endless), await open()];
    await runCallback(eventFor(platform, bucket));
    expect(answerIn(bucket)).toMatchObject({ Reason: 'Callback not heard: 200' });
  });

  test.each(['hang', 'drip'] as const)('that makes it wait (%s) is given up', async (answer) => {
    const [platform, bucket] = [await open(answer), await open()];
    await runCallback(eventFor(platform, bucket), { tryMs: 1000 });
    expect(platform.received.length).toBeGreaterThan(0);
    expect(answerIn(bucket).Reason).toMatch(/^Callback (?:TimeoutError|not heard: 200)$/);
  });

  test('that is not there', async () => {
    const [platform, bucket] = [await open(ACCEPTED), await open()];
    platform.close();
    await runCallback(eventFor(platform, bucket));
    expect(answerIn(bucket)).toMatchObject({ Reason: 'Callback ECONNREFUSED' });
  });
});

describe('time', () => {
  test.each([3000, 6000])('of %i ms that a platform uses up is kept for the answer', async (remainingMs) => {
    const [platform, bucket] = [await open('hang'), await open()];
    await runCallback(eventFor(platform, bucket), { remainingMs });
    answerIn(bucket);
  });
});

describe('the bucket of CloudFormation', () => {
  test.each<[string, Answer[]]>([
    ['fails twice', [{ status: 500 }, { status: 503 }, { status: 200 }]],
    ['drops the connection twice', ['drop', 'drop', { status: 200 }]],
    ['hangs twice', ['hang', 'hang', { status: 200 }]],
  ])('%s and is answered at the third try; the platform is called once', async (_name, answers) => {
    const [platform, bucket] = [await open(ACCEPTED), await open(...answers)];
    await runCallback(eventFor(platform, bucket), { tryMs: 2000 });
    expect(platform.received).toHaveLength(1);
    answerIn(bucket, 3);
  });

  test('that never takes the answer ends the run with an error, for Lambda to run it again', async () => {
    const [platform, bucket] = [await open(ACCEPTED), await open({ status: 403 })];
    const run = runCallback(eventFor(platform, bucket));
    await expect(run).rejects.toThrow(/^CloudFormation was not answered: status 403$/);
    expect(bucket.received).toHaveLength(4);
  });

  test('that takes the answer but does not end its own is not answered twice', async () => {
    const [platform, bucket] = [await open(ACCEPTED), await open('drip')];
    await runCallback(eventFor(platform, bucket), { tryMs: 2000 });
    answerIn(bucket);
  });
});

test.each([
  undefined,
  null,
  'text',
  [],
  {},
  { Url: null, Body: null },
  { Url: 'not a url', Body: BODY },
  { Url: `http://user:${TOKEN}@127.0.0.1/`, Body: BODY },
  { Url: { toString: 1 }, Body: BODY },
  { Url: 'file:///etc/passwd', Body: BODY },
])('properties %j are answered SUCCESS, and tell nothing', async (ResourceProperties) => {
  const bucket = await open();
  const logged = await runCallback(eventFor(bucket, bucket, { ResourceProperties }));
  answerIn(bucket);
  expect(logged.join()).not.toContain(TOKEN);
});

test('whatever CloudFormation sends is answered SUCCESS', async () => {
  const bucket = await openEndpoint();
  try {
    await fc.assert(
      fc.asyncProperty(fc.string(), fc.json(), async (RequestType, json) => {
        const before = bucket.received.length;
        await runCallback(eventFor(bucket, bucket, { RequestType, ResourceProperties: JSON.parse(json) }));
        expect(bucket.received).toHaveLength(before + 1);
        expect(bucket.received.at(-1)?.body).toContain('"Status":"SUCCESS"');
      }),
      { numRuns: 50 },
    );
  } finally {
    bucket.close();
  }
});

test('what is logged tells neither the token nor a URL', async () => {
  const [platform, bucket] = [await open({ status: 403 }), await open()];
  expect(await runCallback(eventFor(platform, bucket))).toEqual(['Callback not heard: 403']);
});

describe('as Lambda starts it', () => {
  const start = async (event: object, remainingMs: number) => {
    const folder = mkdtempSync(join(tmpdir(), 'planton-callback-'));
    try {
      writeFileSync(join(folder, 'index.js'), CALLBACK_CODE);
      const run = `require('./index.js').handler(${JSON.stringify(event)}, { getRemainingTimeInMillis: () => ${remainingMs} })`;
      const child = spawn(process.execPath, ['-e', run], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
      const [code] = await once(child, 'close');
      return { code, output };
    } finally {
      rmSync(folder, { recursive: true });
    }
  };

  test('it calls, answers and ends', async () => {
    const [platform, bucket] = [
      await open({ status: 500 }, ACCEPTED),
      await open({ status: 500 }, { status: 200 }),
    ];
    expect(await start(eventFor(platform, bucket), 60_000)).toEqual({ code: 0, output: 'Callback heard\n' });
    expect(platform.received).toHaveLength(2);
    answerIn(bucket, 2);
  }, 60_000);

  test('it answers in time where the platform hangs', async () => {
    const [platform, bucket] = [await open('hang'), await open()];
    expect(await start(eventFor(platform, bucket), 6000)).toMatchObject({ code: 0 });
    answerIn(bucket);
  }, 60_000);
});
