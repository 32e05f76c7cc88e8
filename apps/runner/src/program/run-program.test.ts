import { statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readCredentials, writeCredentials } from '@planton/enrolment';
import { describe, expect, test } from 'vitest';
import { useProgram } from '../testing/use-program.ts';
import { useRunner } from '../testing/use-runner.ts';
import { waitFor } from '../testing/wait-for.ts';

const rig = useRunner();
const program = useProgram(rig);
const ping = { case: 'ping', value: {} } as const;

describe('a runner in its own process', () => {
  test('finds its credentials, works, and ends in good order when it is told to', async () => {
    await program().register();
    const { gateway } = rig();
    const runner = program().spawn([]);
    await runner.ready();
    const session = await gateway.session(0);
    session.assign('op', ping);
    await session.result('op');
    runner.child.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
    expect(session.frames.at(-1)?.case).toBe('goodbye');
    for (const line of runner.output().trim().split('\n'))
      expect(JSON.parse(line)).toMatchObject({ service: 'runner' });
    expect(runner.output()).not.toContain('PRIVATE KEY');
  });

  test('a second signal ends it at once', async () => {
    await program().register();
    const { gateway } = rig();
    gateway.does.acknowledge = false;
    const runner = program().spawn([]);
    const session = await gateway.session(0);
    session.assign('op', ping);
    await session.result('op');
    runner.child.kill('SIGINT');
    session.assign('late', ping);
    await session.result('late');
    runner.child.kill('SIGINT');
    expect(await runner.ended).toBe(130);
  });

  test('comes back with its credentials after kill -9', async () => {
    await program().register();
    const { gateway } = rig();
    const first = program().spawn([]);
    const before = await gateway.session(0);
    first.child.kill('SIGKILL');
    expect(await first.ended).toBe('SIGKILL');
    program().spawn([]);
    const after = await gateway.session(1);
    expect(after.instanceUid).toBe(before.instanceUid);
    expect(after.hello.processUid).not.toBe(before.hello.processUid);
  });

  test('keeps a renewed certificate in its file before it uses it', async () => {
    const file = await program().register();
    const { gateway, service } = rig();
    gateway.does.renewAfterTime = new Date(0);
    gateway.does.renew = (uid) => service.renew(uid);
    // Its own certificate is due as well, so that there is no jitter to wait for.
    const soon = { ...(await readCredentials(file)), renewAfterTime: new Date(0).toISOString() };
    await writeCredentials(file, { ...soon, expireTime: new Date(Date.now() + 20_000).toISOString() });
    const runner = program().spawn([]);
    await waitFor('a new generation in the file', async () => (await readCredentials(file)).generation === 2);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    (await gateway.session(0)).cut();
    expect((await gateway.session(1)).generation).toBe(2);
    runner.child.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
  });
});

describe('exit codes and words', () => {
  test('0 for help', async () => {
    const runner = program().spawn(['--help']);
    expect(await runner.ended).toBe(0);
    expect(runner.output()).toContain('planton runner start [NAME]');
  });

  test('2 for what cannot be', async () => {
    const runner = program().spawn(['--max-in-flight', 'many']);
    expect(await runner.ended).toBe(2);
    expect(runner.output()).toMatch(/^error: "many" is not a number of operations\nhint: /m);
  });

  test('3 without credentials', async () => {
    const runner = program().spawn([]);
    expect(await runner.ended).toBe(3);
    expect(runner.output()).toContain(
      'hint: planton runner register --name NAME --yes, or set PLANTON_RUNNER_TOKEN',
    );
  });

  test('1 for credentials that others may read', async () => {
    const file = join(program().home, 'credentials.json');
    writeFileSync(file, '{}', { mode: 0o644 });
    const runner = program().spawn(['--credentials-file', file]);
    expect(await runner.ended).toBe(1);
    expect(runner.output()).toContain(`hint: chmod 600 ${file}`);
  });

  test.each(['REVOKED', 'LOCKED'] as const)('4 once it is %s', async (reason) => {
    await program().register();
    const runner = program().spawn([]);
    (await rig().gateway.session(0)).goodbye(reason);
    expect(await runner.ended).toBe(4);
    expect(runner.output()).toMatch(/^error: the platform does not take this runner instance any more/m);
  });

  test('4 for a token that is not taken', async () => {
    const runner = program().spawn([], { PLANTON_RUNNER_TOKEN: 'canary-token' });
    expect(await runner.ended).toBe(4);
    expect(runner.output()).toContain('error: the token is used up, expired or revoked');
    expect(runner.output()).not.toContain('canary-token');
  });

  test('5 when another process connects with the same credentials', async () => {
    await program().register();
    const runner = program().spawn([]);
    (await rig().gateway.session(0)).goodbye('SUPERSEDED');
    expect(await runner.ended).toBe(5);
    expect(runner.output()).toContain('hint: give each process credentials of its own');
  });

  test('2 for an address that is taken', async () => {
    await program().register();
    const port = new URL(rig().service.url).host;
    const runner = program().spawn(['--health-listen', port]);
    expect(await runner.ended).toBe(2);
    expect(runner.output()).toContain('--health-listen');
  });
});
