import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { outcomeOf } from '@planton/rpc/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { refusalOf } from '../testing/open-fixture.ts';
import { useFixture } from '../testing/use-fixture.ts';

describe.each(engines)('organisations on %s', (kind) => {
  const fixture = useFixture(kind);

  test('whoever creates one owns it and sees it', async () => {
    const { root } = fixture();
    const { organization } = await root.createOrganization({ slug: 'acme', name: 'Acme Inc.' });
    expect(organization).toMatchObject({ slug: 'acme', name: 'Acme Inc.', role: Role.OWNER });
    const { organizations } = await root.listOrganizations({});
    expect(organizations.map(({ slug }) => slug)).toContain('acme');
    const { members } = await root.listMembers({ org: 'acme' });
    expect(members).toMatchObject([{ name: 'instance-owner', role: Role.OWNER, limited: false }]);
  });

  test('a name is the slug where none is given', async () => {
    const { organization } = await fixture().root.createOrganization({ slug: 'nameless' });
    expect(organization?.name).toBe('nameless');
  });

  test('two who create the same one at once: one does, the other is told', async () => {
    const { root } = fixture();
    const results = await Promise.allSettled(
      Array.from({ length: 6 }, () => root.createOrganization({ slug: 'contested' })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect(await refusalOf(root.createOrganization({ slug: 'contested' }))).toEqual({
      kind: 'duplicate',
      reason: 'ORGANIZATION_EXISTS',
    });
    const { organizations } = await root.listOrganizations({});
    expect(organizations.filter(({ slug }) => slug === 'contested')).toHaveLength(1);
  });

  test('an owner of an organisation does not own the instance', async () => {
    const { newOrganization, newUser } = fixture();
    const { uid } = await newOrganization();
    const { client } = await newUser(uid, 'owner');
    expect(await refusalOf(client.createOrganization({ slug: 'mine' }))).toEqual({
      kind: 'denied',
      reason: 'INSTANCE_OWNER_ONLY',
    });
  });

  test('others see only what they are members of', async () => {
    const { newOrganization, newUser } = fixture();
    const [mine, foreign] = [await newOrganization(), await newOrganization()];
    const { client } = await newUser(mine.uid, 'viewer');
    const { organizations } = await client.listOrganizations({});
    expect(organizations).toMatchObject([{ slug: mine.slug, role: Role.VIEWER }]);
    expect(await refusalOf(client.listMembers({ org: foreign.slug }))).toEqual(
      await refusalOf(client.listMembers({ org: 'no-such-organisation' })),
    );
  });

  test.each(['', 'Upper', 'a--b', '-a', 'a'.repeat(64)])('"%s" is no slug', async (slug) => {
    expect(await refusalOf(fixture().root.createOrganization({ slug }))).toMatchObject({ kind: 'invalid' });
  });

  test('ten thousand of them are the limit, for however many that are made at once', async () => {
    const { root, database } = fixture();
    const { count } = await database.query
      .selectFrom('organization')
      .select(sql<number>`count(*)`.as('count'))
      .executeTakeFirstOrThrow();
    await sql`insert into identity.organization (uid, slug, name)
      select 'full-' || i, 'full-' || i, '' from generate_series(1, ${9_999 - count}::int8) i`.execute(
      database.query,
    );
    const outcomes = await Promise.all(
      Array.from({ length: 20 }, (_, n) => outcomeOf(root.createOrganization({ slug: `late-${n}` }))),
    );
    expect(outcomes.sort()).toEqual(['done', ...Array(19).fill('quota ORGANIZATION_LIMIT 10000')].sort());
    await database.query.deleteFrom('organization').where('uid', 'like', 'full-%').execute();
    await root.createOrganization({ slug: 'room-again' });
  });
});
