import { randomUUID } from 'node:crypto';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { outcomeOf } from '@planton/rpc/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { useFixture } from '../testing/use-fixture.ts';
import { addMember } from './add-member.ts';

describe.each(engines)('the ceilings of an organisation on %s', (kind) => {
  const fixture = useFixture(kind);
  const insertUser = async () => {
    const uid = randomUUID();
    await fixture().database.query.insertInto('subject').values({ uid, kind: 'user', name: uid }).execute();
    return uid;
  };

  test('five thousand members, for however many that join at once; service accounts do not count', async () => {
    const { database, root, newOrganization } = fixture();
    const { uid, slug: org } = await newOrganization();
    await sql`insert into identity.subject (uid, kind, name) select ${uid} || i, 'user', 'u' || i from generate_series(1, 4998) i`.execute(
      database.query,
    );
    await sql`insert into identity.member (organization_uid, subject_uid, role, limited)
      select ${uid}, ${uid} || i, 'viewer', false from generate_series(1, 4998) i`.execute(database.query);
    await root.createServiceAccount({ org, slug: 'robot', role: Role.VIEWER });
    const users = await Promise.all(Array.from({ length: 20 }, insertUser));
    const grant = { role: 'viewer', environments: 'all' } as const;
    const outcomes = await Promise.all(
      users.map((user) => outcomeOf(database.transact((tx) => addMember(tx, uid, user, grant)))),
    );
    expect(outcomes.sort()).toEqual(['done', ...Array(19).fill('quota MEMBER_LIMIT 5000')]);
    expect((await root.listMembers({ org })).members).toHaveLength(5_001);
    await root.removeMember({ org, subjectUid: `${uid}1` });
    const late = await insertUser();
    expect(await outcomeOf(database.transact((tx) => addMember(tx, uid, late, grant)))).toBe('done');
  });

  test('a thousand service accounts', async () => {
    const { database, root, newOrganization } = fixture();
    const { uid, slug: org } = await newOrganization();
    await sql`insert into identity.subject (uid, kind, name, organization_uid)
      select ${uid} || i, 'service_account', 's' || i, ${uid} from generate_series(1, 999) i`.execute(
      database.query,
    );
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) =>
        outcomeOf(root.createServiceAccount({ org, slug: `late-${n}`, role: Role.VIEWER })),
      ),
    );
    expect(outcomes.sort()).toEqual(['done', ...Array(9).fill('quota SERVICE_ACCOUNT_LIMIT 1000')]);
  });

  test('five hundred environments', async () => {
    const { database, root, newOrganization } = fixture();
    const { uid, slug: org } = await newOrganization();
    await sql`insert into identity.environment (uid, organization_uid, slug)
      select ${uid} || i, ${uid}, 'e' || i from generate_series(1, 499) i`.execute(database.query);
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, (_, n) => outcomeOf(root.createEnvironment({ org, slug: `late-${n}` }))),
    );
    expect(outcomes.sort()).toEqual(['done', ...Array(9).fill('quota ENVIRONMENT_LIMIT 500')]);
  });

  test('a hundred keys of one holder', async () => {
    const { newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const user = await newUser(uid, 'developer');
    await sql`insert into identity.api_key (uid, subject_uid, name, hash, prefix, last_characters)
      select ${uid} || i, ${user.uid}, 'k', sha256((${uid} || i)::bytea), '', '' from generate_series(1, 98) i`.execute(
      fixture().database.query,
    );
    const outcomes = await Promise.all(
      Array.from({ length: 10 }, () => outcomeOf(user.client.createApiKey({ org, name: 'late' }))),
    );
    expect(outcomes.sort()).toEqual(['done', ...Array(9).fill('quota API_KEY_LIMIT 100')]);
  });
});
