import { Identity, type SetMemberRequest } from '@planton/api/identity/v1/identity_service';
import { Role, SubjectKind } from '@planton/api/identity/v1/organization';
import { expect, test } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';
import { Code, refusal, serve } from '../testing/serve.ts';

const members = [
  { subjectUid: 'uid-1', name: 'ada', kind: SubjectKind.USER, role: Role.OWNER },
  {
    subjectUid: 'uid-2',
    name: 'ci',
    kind: SubjectKind.SERVICE_ACCOUNT,
    role: Role.DEPLOYER,
    limited: true,
    environments: ['production'],
  },
  { subjectUid: 'uid-3', name: 'twin', kind: SubjectKind.USER, role: Role.VIEWER, limited: true },
  { subjectUid: 'uid-4', name: 'twin', kind: SubjectKind.USER, role: Role.VIEWER },
];

async function start() {
  const set: SetMemberRequest[] = [];
  const removed: string[] = [];
  const { url } = await serve((router) =>
    router.service(Identity, {
      listMembers: () => ({ members }),
      setMember(request) {
        set.push(request);
        return { member: { subjectUid: request.subjectUid, name: 'ada', role: request.role } };
      },
      removeMember({ subjectUid }) {
        if (subjectUid === 'uid-1')
          throw refusal(Code.FailedPrecondition, 'organisation "acme" has one owner only');
        removed.push(subjectUid);
        return {};
      },
    }),
  );
  const { cli } = cliAt(url);
  return {
    set,
    removed,
    cli: (...args: string[]) => cli(['member', ...args], { env: { PLANTON_ORG: 'acme' } }),
  };
}

test('list says what each role covers', async () => {
  const { cli } = await start();
  const rows = (await cli('list')).stdout.split('\n').map((line) => line.split(/ {2,}/).slice(0, 4));
  expect(rows).toEqual(
    expect.arrayContaining([
      ['ada', 'user', 'owner', 'all'],
      ['ci', 'service_account', 'deployer', 'production'],
      ['twin', 'user', 'viewer', 'none'],
    ]),
  );
});

test('a member is set and removed by name or uid, never by a name that two have', async () => {
  const { cli, set, removed } = await start();
  expect((await cli('set', 'ada', '--role', 'admin', '--environments', 'a, b')).code).toBe(0);
  expect(set).toMatchObject([
    { org: 'acme', subjectUid: 'uid-1', role: Role.ADMIN, environments: ['a', 'b'] },
  ]);
  expect((await cli('remove', 'uid-3')).stderr).toContain('no member of acme any more');
  expect(removed).toEqual(['uid-3']);
  expect((await cli('remove', 'twin')).code).toBe(2);
  const nobody = await cli('remove', 'nobody');
  expect(nobody.code).toBe(3);
  expect(nobody.stderr).toMatch(/^error: acme has no member "nobody"\nhint: planton member list/);
  expect((await cli('set', 'ada')).code).toBe(2);
  expect((await cli('set', 'ada', '--role', 'king')).code).toBe(2);
  expect(removed).toHaveLength(1);
});

test('the last owner stays', async () => {
  const { cli } = await start();
  const { code, stderr } = await cli('remove', 'ada');
  expect(code).toBe(5);
  expect(stderr).toContain('one owner only');
});
