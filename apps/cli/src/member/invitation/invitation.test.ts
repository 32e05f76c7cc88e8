import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type CreateInvitationRequest, Identity } from '@planton/api/identity/v1/identity_service';
import { InvitationState } from '@planton/api/identity/v1/invitation';
import { Role } from '@planton/api/identity/v1/organization';
import { expect, test } from 'vitest';
import { cliAt } from '../../testing/run-cli.ts';
import { Code, refusal, serve } from '../../testing/serve.ts';

const LINK = 'https://planton.example.com/auth/invitation?token=TOKEN';
const end = timestampFromDate(new Date('2026-03-08T12:00:00Z'));
const open = [
  {
    uid: 'uid-1',
    email: 'grace@example.com',
    role: Role.DEVELOPER,
    inviterName: 'Ada',
    expireTime: end,
    state: InvitationState.GOOD,
  },
  {
    uid: 'uid-2',
    email: 'kay@example.com',
    role: Role.ADMIN,
    limited: true,
    environments: ['staging'],
    inviterName: 'Bob',
    expireTime: end,
    state: InvitationState.INVITER_MAY_NOT,
  },
];

async function start(invitations = open) {
  const made: CreateInvitationRequest[] = [];
  const revoked: string[] = [];
  const { url } = await serve((router) =>
    router.service(Identity, {
      createInvitation(request) {
        if (request.email === 'member@example.com')
          throw refusal(Code.AlreadyExists, 'member@example.com is a member already', {
            hint: 'planton member set uid-9 --role viewer',
          });
        made.push(request);
        const { email, role, environments } = request;
        return {
          invitation: { uid: 'uid-3', email, role, environments, expireTime: end },
          link: LINK,
          replaced: made.length > 1,
        };
      },
      listInvitations: () => ({ invitations }),
      revokeInvitation({ uid }) {
        revoked.push(uid);
        return {};
      },
    }),
  );
  const { cli } = cliAt(url);
  return {
    made,
    revoked,
    cli: (...args: string[]) => cli(['member', ...args], { env: { PLANTON_ORG: 'acme' } }),
  };
}

test('the link is all that invite prints, and the advice goes to standard error', async () => {
  const { cli, made } = await start();
  const invite = ['invite', '--email', 'grace@example.com', '--role', 'developer'];
  const { code, stdout, stderr } = await cli(...invite);
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${LINK}\n` });
  expect(stderr).toContain(
    'grace@example.com to become developer of acme, good once until 2026-03-08T12:00:00Z',
  );
  expect(stderr).not.toContain('TOKEN');
  expect(stderr).not.toContain('void');
  expect(made).toMatchObject([
    { org: 'acme', email: 'grace@example.com', role: Role.DEVELOPER, environments: [] },
  ]);
  expect(made[0]?.lifetime).toBeUndefined();

  const again = await cli(...invite, '--env', 'staging, test', '--expires', '2d', '-o', 'json');
  expect(JSON.parse(again.stdout)).toMatchObject({ uid: 'uid-3', link: LINK, replaced: true });
  expect(made[1]).toMatchObject({ environments: ['staging', 'test'], lifetime: { seconds: 172_800n } });
  expect((await cli(...invite)).stderr).toContain('the earlier invitation of grace@example.com is void');
});

test.each([
  [['invite', '--email', 'a@b.c']],
  [['invite', '--role', 'viewer']],
  [['invite', '--email', 'a@b.c', '--role', 'king']],
  [['invite', '--email', 'a@b.c', '--role', 'viewer', '--expires', 'soon']],
  [['invitation', 'revoke']],
])('%j is a mistake in usage and invites nobody', async (args) => {
  const { cli, made, revoked } = await start();
  expect((await cli(...args)).code).toBe(2);
  expect([made, revoked]).toEqual([[], []]);
});

test('a member is told apart, with the command that changes the role', async () => {
  const { cli } = await start();
  const { code, stdout, stderr } = await cli('invite', '--email', 'member@example.com', '--role', 'viewer');
  expect([code, stdout]).toEqual([5, '']);
  expect(stderr).toContain('hint: planton member set uid-9');
});

test('list says which links work, and never shows one', async () => {
  const { cli } = await start();
  const { stdout } = await cli('invitation', 'list');
  expect(stdout).toMatch(/grace@example\.com +developer +all +Ada +2026-03-08T12:00:00Z +good/);
  expect(stdout).toMatch(/kay@example\.com +admin +staging +Bob +\S+ +void: who invited may not/);
  expect(JSON.parse((await cli('invitation', 'list', '-o', 'json')).stdout)).toHaveLength(2);
  expect((await (await start([])).cli('invitation', 'list')).stderr).toContain('planton member invite');
});

test('revoke takes an address or a uid', async () => {
  const { cli, revoked } = await start();
  expect((await cli('invitation', 'revoke', 'Kay@example.com')).stderr).toContain('works no more');
  await cli('invitation', 'revoke', 'uid-7');
  expect(revoked).toEqual(['uid-2', 'uid-7']);
  expect(await cli('invitation', 'revoke', 'nobody@example.com')).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('planton member invitation list'),
  });
});
