import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { SignInMethod } from '@planton/api/identity/v1/account';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { expect, test } from 'vitest';
import { cliAt, type Setting } from '../testing/run-cli.ts';
import { serve } from '../testing/serve.ts';

const LINK = 'https://planton.example.com/auth/password?token=TOKEN';
const time = timestampFromDate(new Date('2026-03-02T12:00:00Z'));
const people = [
  {
    uid: 'uid-1',
    name: 'Ada',
    email: 'ada@example.com',
    signInMethods: [SignInMethod.PASSWORD],
    organizationCount: 2,
    instanceOwner: true,
  },
  {
    uid: 'uid-2',
    name: 'Kay',
    email: 'kay@example.com',
    signInMethods: [SignInMethod.PASSWORD, SignInMethod.OIDC],
    organizationCount: 1,
    disableTime: time,
  },
  { uid: 'uid-3', name: 'Nobody' },
];

async function start() {
  const done: string[] = [];
  const { url } = await serve((router) =>
    router.service(Identity, {
      listAccounts({ email, pageToken }) {
        if (email !== '') return { accounts: people.filter((each) => each.email === email) };
        return pageToken === ''
          ? { accounts: people.slice(0, 2), nextPageToken: 'more' }
          : { accounts: people.slice(2) };
      },
      disableAccount({ uid }) {
        done.push(`disable ${uid}`);
        return { ownerlessOrgs: uid === 'uid-2' ? ['acme', 'globex'] : [] };
      },
      enableAccount({ uid }) {
        done.push(`enable ${uid}`);
        return {};
      },
      createPasswordLink({ uid }) {
        done.push(`link ${uid}`);
        return { link: LINK, expireTime: time, account: people.find((each) => each.uid === uid) };
      },
    }),
  );
  const { cli } = cliAt(url);
  return { done, cli: (args: string[], setting?: Setting) => cli(['account', ...args], setting) };
}

test('list shows every page, with how people sign in and who is disabled', async () => {
  const { cli } = await start();
  const { stdout } = await cli(['list']);
  expect(stdout).toMatch(/Ada +ada@example\.com +password +2 +owns this server +uid-1/);
  expect(stdout).toMatch(/Kay +kay@example\.com +password, oidc +1 +disabled since 2026-03-02T12:00:00Z/);
  expect(stdout).toMatch(/Nobody +- +- +0 +good +uid-3/);
  expect(JSON.parse((await cli(['list', '-o', 'json'])).stdout)).toHaveLength(3);
});

test('disable asks at a terminal, and wants --yes without one', async () => {
  const { cli, done } = await start();
  expect(await cli(['disable', 'kay@example.com'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--yes'),
  });
  expect((await cli(['disable', 'kay@example.com'], { answers: ['n'] })).code).toBe(1);
  expect(done).toEqual([]);
  const asked = await cli(['disable', 'kay@example.com'], { answers: ['y'] });
  expect(asked.stderr).toContain('planton account enable kay@example.com');
  expect(asked.stderr).toContain('nobody is left who owns and can sign in to: acme, globex');
  const { code, stdout, stderr } = await cli(['disable', 'uid-1', '--yes']);
  expect([code, stdout]).toEqual([0, '']);
  expect(stderr).not.toContain('nobody is left');
  expect(done).toEqual(['disable uid-2', 'disable uid-1']);
});

test('enable and password-link take an address or a uid, and nobody else', async () => {
  const { cli, done } = await start();
  expect((await cli(['enable', 'kay@example.com'])).stderr).toContain('sign-ins stay ended');
  const { stdout, stderr } = await cli(['password-link', 'uid-1']);
  expect(stdout).toBe(`${LINK}\n`);
  expect(stderr).toContain('ada@example.com to set a new password, good once until 2026-03-02T12:00:00Z');
  expect(stderr).not.toContain('TOKEN');
  const json = JSON.parse((await cli(['password-link', 'ada@example.com', '-o', 'json'])).stdout);
  expect(json).toMatchObject({ uid: 'uid-1', link: LINK, expire_time: '2026-03-02T12:00:00Z' });
  expect(done).toEqual(['enable uid-2', 'link uid-1', 'link uid-1']);
  for (const command of ['enable', 'password-link'])
    expect(await cli([command, 'nobody@example.com'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('planton account list'),
    });
});
