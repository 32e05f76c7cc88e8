import { AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import { engines } from '@planton/database/testing';
import { outcomeOf } from '@planton/rpc/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { useSetups } from '../testing/use-setups.ts';
import { awsConnection, refusalOf, type TestOrganization } from '../testing/use-test-service.ts';

describe.each(engines)('the ceiling of connections on %s', (kind) => {
  const { service, initiate, createStack, advance, read } = useSetups(kind);
  const fill = ({ uid, slug }: TestOrganization, count: number) =>
    sql`insert into connect.connection (uid, organization_uid, organization_slug, provider, kind, slug, name, labels, annotations,
        spec, revision, reference_revision, runner_uid, created_by, updated_by)
      select ${uid} || i, ${uid}, ${slug}, 'aws', 'AwsProviderConnection', 'full-' || i, '', '{}', '{}', '{}', 1, 1, '', '', ''
      from generate_series(1, ${count}::int8) i`.execute(service().database.query);
  const empty = ({ uid }: TestOrganization, count: number) =>
    sql`delete from connect.connection where uid in (select ${uid} || i from generate_series(1, ${count}::int8) i)`.execute(
      service().database.query,
    );
  const countOf = async ({ uid }: TestOrganization) => {
    const found = service().database.query.selectFrom('connection').where('organization_uid', '=', uid);
    return (await found.select('uid').execute()).length;
  };

  test('is five thousand, for however many that are made at once', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    const apply = (name: string) => admin.applyConnection({ org, connection: awsConnection(name) });
    await apply('first');
    await fill(organization, 4_998);
    const late = Array.from({ length: 20 }, (_, n) => `late-${n}`);
    const outcomes = await Promise.all(late.map((name) => outcomeOf(apply(name))));
    expect(outcomes.sort()).toEqual(['done', ...Array(19).fill('quota CONNECTION_LIMIT 5000')]);
    expect(await countOf(organization)).toBe(5_000);
    const updated = admin.applyConnection({
      org,
      connection: awsConnection({ name: 'first', labels: { a: 'b' } }),
    });
    expect(await outcomeOf(updated)).toBe('done');
  });

  test('is told before anything is registered or minted elsewhere, and at a dry run', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await fill(organization, 5_000);
    const before = service().config.calls.length;
    for (const validateOnly of [false, true]) {
      const applied = admin.applyConnection({ org, connection: awsConnection('more'), validateOnly });
      expect(await refusalOf(applied)).toMatchObject({
        kind: 'quota',
        reason: 'CONNECTION_LIMIT',
        hint: expect.stringContaining('planton delete AwsProviderConnection SLUG'),
      });
    }
    expect(await outcomeOf(initiate(organization))).toBe('quota CONNECTION_LIMIT 5000');
    expect(service().config.calls.length).toBe(before);
    await empty(organization, 1);
    expect(await outcomeOf(initiate(organization))).toBe('done');
  });

  test('ends a set-up that finds no room any more, and says so', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    await fill(organization, 5_000);
    createStack(begun);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: AwsTrustSetupState.FAILED,
      message: expect.stringContaining('5000 connections, which is the limit'),
    });
    expect(await countOf(organization)).toBe(5_000);
  });

  test('of open set-ups is twenty, for however many that are begun at once', async () => {
    const organization = await service().newOrganization();
    const outcomes = await Promise.all(
      Array.from({ length: 30 }, (_, n) => outcomeOf(initiate(organization, { name: `at-once-${n}` }))),
    );
    expect(outcomes.filter((outcome) => outcome === 'done')).toHaveLength(20);
    expect(outcomes.filter((outcome) => outcome === 'quota TOO_MANY_TRUST_SETUPS 20')).toHaveLength(10);
  });
});
