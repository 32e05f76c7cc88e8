import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { expect, test } from 'vitest';
import { cliAt } from '../../testing/run-cli.ts';
import { runnerService } from '../../testing/runners.ts';
import { serve } from '../../testing/serve.ts';

async function start() {
  const service = await runnerService();
  const { url } = await serve(service.routes);
  const { cli } = cliAt(url);
  const env = { PLANTON_ORG: 'acme' };
  await cli(['runner', 'register', '--name', 'pool'], { env });
  return { service, url, token: (...args: string[]) => cli(['runner', 'token', ...args], { env }) };
}

test('the text of the token is all that create prints', async () => {
  const { service, token, url } = await start();
  const { code, stdout, stderr } = await token('create', 'pool');
  const [text] = service.tokens.keys();
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${text}\n` });
  expect(stderr).toContain('good for one instance until 2026-03-01T13:00:00Z; it cannot be shown again');
  expect(stderr).toContain(`PLANTON_SERVER=${url}`);
  expect(stderr).not.toContain(text);
  expect(service.asked.tokens[0]?.lifetime).toBeUndefined();

  const data = JSON.parse((await token('create', 'pool', '-o', 'json')).stdout);
  expect(data).toMatchObject({ runner: 'pool', use_limit: 1, text: [...service.tokens.keys()][1] });
});

test('a pool token is good for any number, or up to a limit', async () => {
  const { service, token } = await start();
  expect((await token('create', 'pool', '--pool')).stderr).toContain('good for any number of instances');
  expect((await token('create', 'pool', '--pool', '--limit', '20', '--expires', '30d')).stderr).toContain(
    'good for 20 instances until 2026-03-31T12:00:00Z',
  );
  expect(service.asked.tokens.map(({ useLimit, lifetime }) => [useLimit, lifetime?.seconds])).toEqual([
    [0, undefined],
    [20, 2_592_000n],
  ]);
});

test.each([
  [['create', 'pool', '--limit', '2'], '--limit goes with --pool'],
  [['create', 'pool', '--pool', '--limit', '0'], 'whole number from 1'],
  [['create', 'pool', '--expires', 'soon'], 'that is no duration'],
  [['create'], 'missing required argument'],
])('%j is refused', async (args, message) => {
  const { service, token } = await start();
  const { code, stdout, stderr } = await token(...args);
  expect({ code, stdout, asked: service.asked.tokens }).toEqual({ code: 2, stdout: '', asked: [] });
  expect(stderr).toContain(message);
});

test('list says what each token is still good for, and never its text', async () => {
  const { service, token } = await start();
  expect((await token('list', 'pool')).stderr).toContain('planton runner token create pool');
  for (let count = 0; count < 4; count++) await token('create', 'pool', '--pool', '--limit', '3');
  const [good, used, expired, revoked] = service.tokens.values();
  if (good) good.useLimit = 0;
  if (used) used.useCount = 3;
  if (expired) expired.expireTime = timestampFromDate(new Date('2026-03-01T12:00:00Z'));
  await token('revoke', revoked?.uid ?? '');
  const { stdout } = await token('list', 'pool');
  expect(stdout.match(/ {2}(good|used up|expired|revoked) +\d of \w+/g)?.map((text) => text.trim())).toEqual([
    'good     0 of any',
    'used up  3 of 3',
    'expired  0 of 3',
    'revoked  0 of 3',
  ]);
  for (const text of service.tokens.keys()) expect(stdout).not.toContain(text);
});

test('revoke ends a token', async () => {
  const { service, token } = await start();
  await token('create', 'pool');
  const [made] = service.tokens.values();
  expect(await token('revoke', made?.uid ?? '')).toEqual({
    code: 0,
    stdout: '',
    stderr: `token ${made?.uid} revoked\n`,
  });
  expect(made?.revokeTime).toBeDefined();
  expect(await token('revoke', 'nothing')).toMatchObject({ code: 3 });
});
