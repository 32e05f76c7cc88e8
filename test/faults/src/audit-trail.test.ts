import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbedded } from '@planton/database';
import { type Platform, startPlatform } from '@planton/test-platform';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { waitUntil } from './wait-until.ts';

// What a compliance officer does: verify, export, keep a checkpoint, look again later. And what somebody with the database does to it.

let platform: Platform;
/** Takes connections and what is sent over them, and never answers. */
let hole: ReturnType<typeof createServer>;
const sockets = new Set<Socket>();
let scratch: string;
const file = (name: string) => join(scratch, name);
const database = () => join(platform.dataDir, 'postgres');

interface Report {
  readonly service: string;
  readonly intact: boolean;
  readonly records: number;
  readonly unsealed: number;
  readonly public_keys: readonly string[];
  readonly findings: readonly {
    readonly kind: string;
    readonly record_uid: string;
    readonly seal_number: number;
  }[];
}
const verify = async (...args: string[]): Promise<{ code: number; reports: Report[]; stderr: string }> => {
  const { code, stdout, stderr } = await platform.cli(['audit', 'verify', ...args, '-o', 'json']);
  return { code, stderr, reports: stdout === '' ? [] : JSON.parse(stdout) };
};
const sealed = () =>
  waitUntil('the seals', async () => {
    const { reports } = await verify();
    return reports.length === 4 && reports.every(({ unsealed }) => unsealed === 0) && reports;
  });
const change = async (statement: string) => {
  await platform.end('SIGTERM');
  const engine = await openEmbedded({ dataDir: platform.dataDir });
  await sql.raw(statement).execute(engine.kysely);
  await engine.close();
  await platform.start();
};

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), 'planton-audit-'));
  hole = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).on('data', () => {}));
  });
  const port = await new Promise<number>((resolve) =>
    hole.listen(0, '127.0.0.1', () => resolve((hole.address() as { port: number }).port)),
  );
  platform = await startPlatform({
    env: { PLANTON_AUDIT_SINK: `http://127.0.0.1:${port}/audit,file:${file('stream.jsonl')}` },
  });
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');
  await platform.planton('secret', 'set', 'db', 'password=canary-value');
  await platform.planton('secret', 'get', 'db', '--key', 'password', '--reveal', '--purpose', 'ticket 4711');
  await platform.planton('runner', 'register', '--name', 'r');
}, 120_000);
afterAll(async () => {
  await platform?.stop();
  for (const socket of sockets) socket.destroy();
  hole.close();
  rmSync(scratch, { recursive: true, force: true });
});

test('every trail is sealed within seconds, verified, and signed with a key outside the database', async () => {
  const reports = await sealed();
  expect(reports.every(({ intact }) => intact)).toBe(true);
  expect(reports.find(({ service }) => service === 'config-manager')?.records).toBe(2);
  expect(statSync(join(platform.dataDir, 'audit-signing.key')).mode & 0o777).toBe(0o600);
  const keys = new Set(reports.flatMap(({ public_keys }) => public_keys));
  expect(keys.size).toBe(1);
  writeFileSync(file('audit.pub'), [...keys].join('\n'));
  expect((await verify('--public-key', file('audit.pub'))).code).toBe(0);
  writeFileSync(file('other.pub'), `ed25519:${Buffer.alloc(32, 1).toString('base64')}\n`);
  expect((await verify('--public-key', file('other.pub'))).code).toBe(6);
  expect((await verify('--instance')).code).toBe(0);
});

test('purposes, outcomes and requests can be searched for', async () => {
  const [access] = JSON.parse(
    await platform.planton('audit', 'list', '--action', 'secret.access', '-o', 'json'),
  );
  expect(access.purpose).toBe('ticket 4711');
  const list = async (...args: string[]) =>
    JSON.parse(await platform.planton('audit', 'list', ...args, '-o', 'json')) as {
      uid: string;
      service: string;
    }[];
  expect(await list('--request', access.request_id)).toMatchObject([{ uid: access.uid }]);
  expect(await list('--request', access.request_id, '--outcome', 'denied')).toEqual([]);
  expect((await list('--service', 'identity')).map(({ service }) => service)).toContain('identity');
});

test('an export is checked without a server, and is found damaged when it was changed', async () => {
  await sealed();
  await platform.planton('audit', 'export', '-o', file('audit.jsonl'));
  const text = readFileSync(file('audit.jsonl'), 'utf8');
  expect(text).toContain('ticket 4711');
  expect(text).not.toContain('canary-value');
  const offline = ['--file', file('audit.jsonl'), '--public-key', file('audit.pub')];
  const env = { ...platform.env, PLANTON_SERVER: 'http://127.0.0.1:9' };
  expect((await platform.cli(['audit', 'verify', ...offline], { env })).code).toBe(0);
  writeFileSync(file('changed.jsonl'), text.replace('ticket 4711', 'ticket 4712'));
  const changed = await verify('--file', file('changed.jsonl'), '--public-key', file('audit.pub'));
  expect(changed.code).toBe(6);
  expect(changed.reports[0]?.findings).toMatchObject([{ kind: 'record_changed' }]);
  const without = text.split('\n').filter((line) => !line.includes('"service":"identity"'));
  writeFileSync(file('without.jsonl'), without.join('\n'));
  expect((await verify('--file', file('without.jsonl'))).code).toBe(6);
  expect((await verify('--checkpoint', file('audit.jsonl'))).code).toBe(0);
});

test('a sink that swallows everything costs nothing but its own records, and the other one has them all', async () => {
  expect(sockets.size).toBeGreaterThan(0);
  const exported = readFileSync(file('audit.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line.includes('"type":"record"'));
  expect(exported.length).toBeGreaterThan(3);
  await waitUntil('the stream', () => {
    const stream = existsSync(file('stream.jsonl')) ? readFileSync(file('stream.jsonl'), 'utf8') : '';
    return exported.every((line) => stream.includes(line));
  });
});

test('how far the sinks are behind is told where operators look, and the server is ready all the same', async () => {
  const look = async () => {
    const answer = await fetch(`${platform.url}/readyz`);
    expect(answer.status).toBe(200);
    return (await answer.text()).trim().split('\n');
  };
  const services = ['identity', 'config-manager', 'connection-service', 'runner-gateway'];
  const lines = await waitUntil('both sinks are told of', async () => {
    const [first, ...notes] = await look();
    expect(first).toBe('ready');
    return notes.some((line) => / behind, the oldest for /.test(line)) && notes;
  });
  expect(lines.map((line) => line.split(':')[0])).toEqual(
    services.flatMap((service) => [`audit sink 1 of ${service}`, `audit sink 2 of ${service}`]),
  );
  expect(lines.find((line) => line.startsWith('audit sink 1 of config-manager'))).toMatch(
    /: \d+ seals? behind, the oldest for \d+ s$/,
  );
  expect(lines.join()).not.toMatch(/127\.0\.0\.1|stream\.jsonl/);
  await waitUntil('the other sink has all', async () =>
    (await look()).includes('audit sink 2 of config-manager: nothing behind'),
  );
});

test('a record that is changed in the database is found, and named', async () => {
  await change(`update config.audit_record set actor_name = 'Eve' where action = 'secret.access'`);
  const { code, reports } = await verify();
  expect(code).toBe(6);
  const damaged = reports.filter(({ intact }) => !intact);
  expect(damaged).toMatchObject([
    {
      service: 'config-manager',
      findings: [{ kind: 'record_changed', record_uid: expect.stringMatching(/./) }],
    },
  ]);
  const { stdout } = await platform.cli(['audit', 'verify', '--service', 'config-manager']);
  expect(stdout).toContain('config-manager: DAMAGED');
  await change(`update config.audit_record set actor_name = 'instance-owner' where action = 'secret.access'`);
  expect((await verify()).code).toBe(0);
}, 120_000);

test('a database that was set back is shown by a checkpoint alone', async () => {
  await platform.end('SIGTERM');
  cpSync(database(), file('old'), { recursive: true });
  await platform.start();
  await platform.planton('secret', 'set', 'db', 'password=canary-value-2');
  await sealed();
  await platform.planton('audit', 'export', '-o', file('later.jsonl'));
  expect((await verify('--checkpoint', file('later.jsonl'), '--public-key', file('audit.pub'))).code).toBe(0);

  await platform.end('SIGTERM');
  rmSync(database(), { recursive: true });
  cpSync(file('old'), database(), { recursive: true });
  await platform.start();
  expect((await verify()).code).toBe(0);
  const { code, reports } = await verify('--checkpoint', file('later.jsonl'));
  expect(code).toBe(6);
  expect(reports.flatMap(({ findings }) => findings)).toMatchObject([{ kind: 'checkpoint_unmet' }]);
  // What goes on from there has seals of the same numbers, and other ones.
  await platform.planton('secret', 'set', 'db', 'password=canary-value-3');
  await sealed();
  expect((await verify('--checkpoint', file('later.jsonl'))).code).toBe(6);
  expect((await verify('--checkpoint', file('audit.jsonl'))).code).toBe(0);
}, 180_000);

test('a key that is lost is not replaced unseen', async () => {
  await platform.end('SIGTERM');
  rmSync(join(platform.dataDir, 'audit-signing.key'));
  await platform.start();
  const { code, reports } = await verify();
  expect(code).toBe(6);
  expect(new Set(reports.flatMap(({ findings }) => findings.map(({ kind }) => kind)))).toEqual(
    new Set(['seal_signature_wrong']),
  );
  await platform.end('SIGTERM');
  await platform.start({ PLANTON_AUDIT_PREVIOUS_KEYS: readFileSync(file('audit.pub'), 'utf8').trim() });
  expect((await verify()).code).toBe(0);
}, 120_000);
