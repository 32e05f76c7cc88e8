import { RunnerState } from '@planton/api/runner/v1/runner';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { addInstance, addOperation, openTestSession } from './testing/add-rows.ts';
import { refusalOf, until, useTestRunners } from './testing/use-test-runners.ts';

describe.each(engines)('runners on %s', (kind) => {
  const runners = useTestRunners(kind);
  const recordsOf = async (action: string, organizationUid: string) =>
    runners()
      .database.query.selectFrom('audit_record')
      .selectAll()
      .where('organization_uid', '=', organizationUid)
      .where('action', '=', action)
      .execute();

  describe('registering', () => {
    test('makes a runner that has never been seen, once', async () => {
      const { slug: org, uid: orgUid, admin } = await runners().newOrganization();
      const first = await admin.registerRunner({ org, name: 'My AWS Runner' });
      expect(first).toMatchObject({
        created: true,
        runner: {
          metadata: { name: 'My AWS Runner', slug: 'my-aws-runner', org, revision: 1, createdBy: 'ada' },
          status: { state: RunnerState.PENDING, instances: 0, onlineInstances: 0, versions: [] },
        },
      });
      expect(first.runner?.status?.lastSeenTime).toBeUndefined();
      const again = await admin.registerRunner({ org, name: 'My AWS Runner' });
      expect(again.created).toBe(false);
      expect(again.runner).toEqual(first.runner);
      expect(await recordsOf('runner.register', orgUid)).toMatchObject([
        { actor_name: 'ada', resource_slug: 'my-aws-runner', resource_uid: first.runner?.metadata?.uid },
      ]);
      await until(() => runners().woken.includes(`changed ${orgUid}`));
    });

    test('of the same name at once makes one', async () => {
      const { slug: org, uid: orgUid, admin } = await runners().newOrganization();
      const made = await Promise.all(
        Array.from({ length: 8 }, () => admin.registerRunner({ org, name: 'a' })),
      );
      expect(made.filter(({ created }) => created)).toHaveLength(1);
      expect(new Set(made.map(({ runner }) => runner?.metadata?.uid)).size).toBe(1);
      expect(await recordsOf('runner.register', orgUid)).toHaveLength(1);
    });

    test('refuses a slug that another name has, and a name without a slug', async () => {
      const { slug: org, admin } = await runners().newOrganization();
      await admin.registerRunner({ org, name: 'a b' });
      expect(await refusalOf(admin.registerRunner({ org, name: 'A-B' }))).toMatchObject({
        kind: 'duplicate',
        reason: 'SLUG_TAKEN',
        message: 'the slug "a-b", made from the name "A-B", belongs to the runner with the name "a b"',
      });
      expect(await refusalOf(admin.registerRunner({ org, name: '…' }))).toMatchObject({
        kind: 'invalid',
        reason: 'NAME_REQUIRED',
      });
    });

    test('needs a role that covers the whole organisation', async () => {
      const { slug: org, as } = await runners().newOrganization();
      const developer = await as('developer');
      expect((await refusalOf(developer.registerRunner({ org, name: 'a' }))).kind).toBe('denied');
      const limited = await as('admin', { environments: ['e1'] });
      expect(await refusalOf(limited.registerRunner({ org, name: 'a' }))).toMatchObject({
        reason: 'ENVIRONMENT_NOT_COVERED',
      });
      expect((await developer.listRunners({ org })).runners).toEqual([]);
    });

    test('ends at a thousand, for however many that come at once', async () => {
      const { slug: org, uid: orgUid, admin } = await runners().newOrganization();
      await sql`insert into runner.runner (uid, organization_uid, organization_slug, slug, name, created_by, updated_by)
        select ${orgUid} || i, ${orgUid}, ${org}, 'r' || i, 'r' || i, '', '' from generate_series(1, 999) i`.execute(
        runners().database.query,
      );
      const registered = await Promise.allSettled(
        Array.from({ length: 20 }, (_, n) => admin.registerRunner({ org, name: `late ${n}` })),
      );
      expect(registered.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect(await refusalOf(admin.registerRunner({ org, name: 'one more' }))).toMatchObject({
        kind: 'quota',
        reason: 'RUNNER_LIMIT',
        metadata: { limit: '1000' },
      });
      expect((await admin.registerRunner({ org, name: 'r7' })).created).toBe(false);
    });
  });

  describe('reading', () => {
    test('takes slug or name, and lists by slug in pages', async () => {
      const { slug: org, admin } = await runners().newOrganization();
      for (const name of ['Charlie', 'alpha', 'Bravo Two']) await admin.registerRunner({ org, name });
      expect((await admin.getRunner({ org, runner: 'bravo-two' })).runner?.metadata?.name).toBe('Bravo Two');
      expect((await admin.getRunner({ org, runner: 'Bravo Two' })).runner?.metadata?.slug).toBe('bravo-two');
      expect(await refusalOf(admin.getRunner({ org, runner: 'delta' }))).toMatchObject({
        kind: 'missing',
        reason: 'RUNNER_NOT_FOUND',
        message: `organisation "${org}" has no runner "delta"`,
      });
      const slugs: (string | undefined)[] = [];
      let pageToken = '';
      do {
        const page = await admin.listRunners({ org, pageSize: 2, pageToken });
        slugs.push(...page.runners.map(({ metadata }) => metadata?.slug));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      expect(slugs).toEqual(['alpha', 'bravo-two', 'charlie']);
    });

    test('prefers a slug to a name, and asks where a name is that of several', async () => {
      const { slug: org, uid: orgUid, admin } = await runners().newOrganization();
      for (const [slug, name] of [
        ['x', 'a'],
        ['a', 'b'],
        ['y', 'twin'],
        ['z', 'twin'],
      ] as const) {
        await runners()
          .database.query.insertInto('runner')
          .values({
            uid: `${orgUid}-${slug}`,
            organization_uid: orgUid,
            organization_slug: org,
            slug,
            name,
            created_by: '',
            updated_by: '',
          })
          .execute();
      }
      expect((await admin.getRunner({ org, runner: 'a' })).runner?.metadata?.slug).toBe('a');
      expect(await refusalOf(admin.getRunner({ org, runner: 'twin' }))).toMatchObject({
        reason: 'AMBIGUOUS_NAME',
        metadata: { slugs: 'y,z' },
      });
    });

    test('shows nothing of another organisation', async () => {
      const one = await runners().newOrganization();
      const two = await runners().newOrganization();
      await one.register('a');
      expect((await two.admin.listRunners({ org: two.slug })).runners).toEqual([]);
      const asked = { org: two.slug, runner: 'a' };
      const refusals = await Promise.all(
        [
          two.admin.getRunner(asked),
          two.admin.deleteRunner(asked),
          two.admin.revokeRunner(asked),
          two.admin.createRunnerToken(asked),
          two.admin.listRunnerInstances(asked),
          two.admin.listRunnerTokens(asked),
          two.admin.listRunnerUsages(asked),
        ].map(refusalOf),
      );
      expect(refusals.map(({ reason }) => reason)).toEqual(refusals.map(() => 'RUNNER_NOT_FOUND'));
    });

    test('a session is online while its replica lives', async () => {
      const { database } = runners();
      const { slug: org, admin, register } = await runners().newOrganization();
      const uid = await register('pool');
      const [one, two, three] = [
        await addInstance(database, uid),
        await addInstance(database, uid),
        await addInstance(database, uid),
      ];
      await openTestSession(database, one, { version: '1.10.0' });
      await openTestSession(database, two, { version: '1.9.0' });
      await openTestSession(database, three, { replica: 'dead', version: '1.0.0', heartbeatSecondsAgo: 30 });
      await addOperation(database, uid);
      await addOperation(database, uid, one);
      await addOperation(database, uid, one);
      const online = (await admin.getRunner({ org, runner: 'pool' })).runner?.status;
      expect(online).toMatchObject({
        state: RunnerState.ONLINE,
        onlineInstances: 2,
        instances: 3,
        versions: ['1.10.0', '1.9.0'],
        queuedOperations: 1,
        runningOperations: 2,
      });
      expect(Math.abs(Number(online?.lastSeenTime?.seconds) - Date.now() / 1000)).toBeLessThan(60);

      await database.query.deleteFrom('session').where('instance_uid', 'in', [one, two]).execute();
      const offline = (await admin.getRunner({ org, runner: 'pool' })).runner?.status;
      expect(offline).toMatchObject({ state: RunnerState.OFFLINE, onlineInstances: 0, versions: [] });
      expect(Number(offline?.lastSeenTime?.seconds)).toBeLessThan(Number(online?.lastSeenTime?.seconds));
    });
  });
});
