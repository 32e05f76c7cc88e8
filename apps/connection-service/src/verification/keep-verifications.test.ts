import { AuditOutcome } from '@planton/api/common/v1/audit';
import { AuthMode } from '@planton/api/connect/v1/aws_provider_connection';
import { VerificationOutcome } from '@planton/api/connect/v1/connection_status';
import { OperationErrorKind } from '@planton/api/runner/v1/operation';
import { jsonb } from '@planton/database';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { Deps } from '../deps.ts';
import { verify } from '../testing/collect-verification.ts';
import { answering, failed } from '../testing/fake-runner-service.ts';
import {
  awsConnection,
  awsOf,
  KEY_ID,
  SECRET_KEY,
  type TestOrganization,
  useTestService,
} from '../testing/use-test-service.ts';
import { keepVerifications } from './keep-verifications.ts';
import { claimDueConnections, type DueConnection } from './verification-store.ts';
import { verifyDue } from './verify-due.ts';

const { VERIFIED, REFUSED, INCONCLUSIVE } = VerificationOutcome;
const LIMIT = { timeout: 20_000, interval: 20 };

describe.each(engines)('verifications on the schedule on %s', (kind) => {
  const service = useTestService(kind);
  const replicas: ReturnType<typeof keepVerifications>[] = [];
  afterEach(async () => {
    await Promise.all(replicas.splice(0).map((replica) => replica.stop()));
    service().runners.carry = answering();
    service().runners.fault = () => undefined;
    await service().database.query.deleteFrom('connection_verification').execute();
  });

  const pace = { everySeconds: 21_600, afterChangeSeconds: 60, pollMs: 20 };
  const startReplica = (changes: Partial<Deps> = {}) => {
    const replica = keepVerifications({ ...service().deps, verification: pace, ...changes });
    replicas.push(replica);
    replica.start();
    return replica;
  };
  const never = new AbortController().signal;

  async function connected(names: readonly string[], spec = {}): Promise<TestOrganization> {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    service().runners.addRunner(org, 'my-runner');
    for (const name of names) await admin.applyConnection({ org, connection: awsConnection(name, spec) });
    return organization;
  }
  /** As if the time had come. */
  const makeDue = () =>
    service()
      .database.query.updateTable('connection_verification')
      .set({ next_verify_time: sql<Date>`now()` })
      .execute();
  const rowsOf = ({ uid }: TestOrganization) =>
    service()
      .database.query.selectFrom('connection_verification as v')
      .innerJoin('connection as c', 'c.uid', 'v.connection_uid')
      .selectAll('v')
      .select(['c.slug', sql<number>`extract(epoch from v.next_verify_time - now())::float8`.as('seconds')])
      .where('c.organization_uid', '=', uid)
      .orderBy('c.slug')
      .execute();
  const claimOne = async (): Promise<DueConnection> => {
    await makeDue();
    const [due] = await claimDueConnections(service().database.query, 1, 300);
    if (!due) throw new Error('nothing was due');
    return due;
  };
  const statusOf = async ({ admin, slug: org }: TestOrganization, connection = 'a') =>
    awsOf((await admin.getConnection({ org, connection })).connection).status?.verification;
  const auditOf = async ({ admin, slug: org }: TestOrganization) =>
    (await admin.listAuditRecords({ org, action: 'connection.verify' })).records;

  test('two replicas verify each connection that is due once, in the name of the service', async () => {
    const names = Array.from({ length: 14 }, (_, index) => `c-${index}`);
    const organization = await connected(names);
    const first = service().runners.runs.length;
    await makeDue();
    startReplica();
    startReplica();
    await vi.waitFor(async () => {
      const rows = await rowsOf(organization);
      expect(rows.filter(({ outcome }) => outcome === 'verified')).toHaveLength(names.length);
    }, LIMIT);
    const runs = service().runners.runs.slice(first);
    expect(runs.map(({ request }) => request.connection).sort()).toEqual([...names].sort());
    for (const { request, service: caller, actor } of runs) {
      expect([caller, actor]).toEqual(['connection-service', undefined]);
      expect(request).toMatchObject({
        org: '',
        organizationUid: organization.uid,
        runnerUid: '',
        purpose: `scheduled verification of ${request.connection}`,
      });
    }
    for (const { seconds, attempts } of await rowsOf(organization)) {
      expect(seconds).toBeGreaterThan(0.8 * pace.everySeconds - 60);
      expect(seconds).toBeLessThan(1.2 * pace.everySeconds);
      expect(attempts).toBe(0);
    }
    expect(service().config.purposes).toContain('scheduled verification of c-3');
    const records = await auditOf(organization);
    expect(records).toHaveLength(names.length);
    expect(records[0]).toMatchObject({
      actorUid: 'connection-service',
      outcome: AuditOutcome.SUCCEEDED,
      details: { result: 'verified', trigger: 'schedule' },
    });
  });

  test('a new connection waits a minute, and is left alone when somebody verified it meanwhile', async () => {
    const organization = await connected(['a', 'b']);
    const { admin, slug: org } = organization;
    for (const { seconds } of await rowsOf(organization)) {
      expect(seconds).toBeGreaterThan(0);
      expect(seconds).toBeLessThanOrEqual(60);
    }
    await verify(admin, org, 'a');
    const [a, b] = await rowsOf(organization);
    expect(a?.seconds).toBeGreaterThan(3_600);
    expect(b?.seconds).toBeLessThanOrEqual(60);
    expect(await claimDueConnections(service().database.query, 10, 300)).toEqual([]);
  });

  test('no more than four at once, and all in the end', async () => {
    const names = Array.from({ length: 10 }, (_, index) => `c-${index}`);
    const organization = await connected(names);
    let active = 0;
    let most = 0;
    let release = () => {};
    const released = new Promise<void>((resolve) => {
      release = resolve;
    });
    service().runners.carry = async function* (request, signal) {
      active += 1;
      most = Math.max(most, active);
      await released;
      active -= 1;
      yield* answering()(request, signal);
    };
    await makeDue();
    startReplica();
    await vi.waitFor(() => expect(active).toBe(4), LIMIT);
    expect((await rowsOf(organization)).filter(({ seconds }) => seconds <= 0)).toHaveLength(6);
    release();
    await vi.waitFor(async () => {
      expect((await rowsOf(organization)).every(({ outcome }) => outcome === 'verified')).toBe(true);
    }, LIMIT);
    expect(most).toBe(4);
  });

  test('rows that cannot be verified do not hold up the others', async () => {
    const organization = await connected(['a', 'b', 'c', 'd', 'e']);
    const update = (slug: string) =>
      service()
        .database.query.updateTable('connection')
        .where('organization_uid', '=', organization.uid)
        .where('slug', '=', slug);
    await update('a')
      .set({ spec: jsonb<unknown>({ authMode: 42.5 }) })
      .execute();
    await update('b').set({ provider: 'from-the-future' }).execute();
    await update('c')
      .set({ spec: jsonb<unknown>({ authMode: 'AUTH_MODE_CROSS_ACCOUNT_TRUST' }) })
      .execute();
    const [, , , d] = await rowsOf(organization);
    service().config.owners.delete(d?.connection_uid ?? '');
    await makeDue();
    startReplica();
    await vi.waitFor(async () => {
      const rows = await rowsOf(organization);
      expect(rows.map(({ outcome, attempts }) => [outcome, attempts])).toEqual([
        [null, 1],
        [null, 1],
        [null, 1],
        [null, 1],
        ['verified', 0],
      ]);
    }, LIMIT);
    for (const { seconds } of await rowsOf(organization)) expect(seconds).toBeGreaterThan(40);
  });

  test('a database that fails once is asked again', async () => {
    const organization = await connected(['a']);
    const { database } = service();
    let failures = 0;
    const failing = {
      ...database,
      get query() {
        if (failures > 0) return database.query;
        failures += 1;
        throw new Error('the database is away');
      },
    };
    await makeDue();
    startReplica({ database: failing });
    await vi.waitFor(async () => {
      expect((await rowsOf(organization))[0]?.outcome).toBe('verified');
    }, LIMIT);
    expect(failures).toBe(1);
  });

  test('finding nothing out is tried again after pauses that grow, and leaves the last success', async () => {
    const organization = await connected(['a'], { authMode: AuthMode.RUNNER, runner: 'my-runner' });
    const { admin, slug: org } = organization;
    const { result } = await verify(admin, org, 'a');
    const offline = { reason: 'RUNNER_OFFLINE', message: 'last seen an hour ago' };
    service().runners.carry = () => [failed(OperationErrorKind.OFFLINE, offline, 0)];
    const deps: Deps = { ...service().deps, random: () => 0.5 };
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 11; attempt++) {
      if (attempt === 5) service().runners.fault = () => 'before';
      await verifyDue(deps, await claimOne(), never);
      const [row] = await rowsOf(organization);
      expect(row).toMatchObject({ outcome: 'inconclusive', attempts: attempt + 1 });
      pauses.push(Math.round((row?.seconds ?? 0) / 60));
    }
    expect(pauses).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360]);
    const shown = await statusOf(organization);
    expect(shown).toMatchObject({ outcome: INCONCLUSIVE, lastSuccessTime: result.lastSuccessTime });
    service().runners.fault = () => undefined;
    service().runners.carry = answering();
    await verifyDue(deps, await claimOne(), never);
    expect(await statusOf(organization)).toMatchObject({ outcome: VERIFIED, runner: 'my-runner' });
    expect((await rowsOf(organization))[0]?.attempts).toBe(0);
  });

  test('a key that is gone is a result of the schedule too', async () => {
    const organization = await connected(['a']);
    service().config.secrets.delete(`${organization.slug}/aws-access-key-id`);
    await verifyDue(service().deps, await claimOne(), never);
    expect(await statusOf(organization)).toMatchObject({
      outcome: REFUSED,
      causes: [{ code: 'CREDENTIALS_MISSING' }],
    });
    const [row] = await rowsOf(organization);
    expect(row?.seconds).toBeGreaterThan(3_600);
  });

  test('a claim keeps others away until it runs out', async () => {
    const organization = await connected(['a']);
    const { query } = service().database;
    const due = await claimOne();
    expect(due).toMatchObject({ slug: 'a', organization_uid: organization.uid, attempts: 0 });
    expect(await claimDueConnections(query, 1, 300)).toEqual([]);
    const [row] = await rowsOf(organization);
    expect(row?.seconds).toBeGreaterThan(200);
    await makeDue();
    expect(await claimDueConnections(query, 1, 300)).toMatchObject([{ slug: 'a' }]);
  });

  test('many claims at once take each row once', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `c-${index}`);
    await connected(names);
    await makeDue();
    const { query } = service().database;
    const claims = await Promise.all(Array.from({ length: 12 }, () => claimDueConnections(query, 4, 300)));
    for (const claim of claims) expect(claim.length).toBeLessThanOrEqual(4);
    const rest = await claimDueConnections(query, 100, 300);
    expect([...claims.flat(), ...rest].map(({ slug }) => slug).sort()).toEqual([...names].sort());
  });

  test('a change between claim and result keeps its own place on the schedule', async () => {
    const organization = await connected(['a']);
    const { admin, slug: org } = organization;
    const due = await claimOne();
    await admin.applyConnection({ org, connection: awsConnection({ name: 'a', labels: { team: 'x' } }) });
    await verifyDue(service().deps, due, never);
    const [row] = await rowsOf(organization);
    expect(row).toMatchObject({ outcome: 'verified', revision: 1, current_revision: 2, attempts: 0 });
    expect(row?.seconds).toBeLessThanOrEqual(60);
    const bad = { ...due, spec: { authMode: 42.5 } };
    await verifyDue(service().deps, bad, never);
    const [after] = await rowsOf(organization);
    expect(after?.attempts).toBe(0);
    expect(after?.next_verify_time).toEqual(row?.next_verify_time);
  });

  test('results and changes that meet never leave a changed connection waiting for hours', async () => {
    const organization = await connected(['a']);
    const { admin, slug: org } = organization;
    for (let round = 1; round <= 15; round++) {
      const labels = { round: String(round) };
      const due = await claimOne();
      await Promise.all([
        verifyDue(service().deps, due, never),
        verifyDue(service().deps, due, never),
        admin.applyConnection({ org, connection: awsConnection({ name: 'a', labels }) }),
      ]);
      const [row] = await rowsOf(organization);
      expect(row).toMatchObject({ outcome: 'verified', revision: round, current_revision: round + 1 });
      expect(row?.seconds).toBeLessThanOrEqual(60);
    }
  });

  test('a connection that was deleted since it was claimed troubles nobody', async () => {
    const organization = await connected(['a']);
    const { admin, slug: org } = organization;
    const due = await claimOne();
    const answer = answering();
    service().runners.carry = async function* (request, signal) {
      await admin.deleteConnection({ org, connection: 'a' });
      yield* answer(request, signal);
    };
    await verifyDue(service().deps, due, never);
    expect(await auditOf(organization)).toMatchObject([{ resourceSlug: 'a' }]);
    expect(await rowsOf(organization)).toEqual([]);
  });

  test('stopping ends what is under way, and stores nothing of it', async () => {
    const organization = await connected(['a']);
    let aborted = false;
    service().runners.carry = async function* (_, signal) {
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      aborted = true;
      yield { event: { case: 'operation', value: {} } };
    };
    const before = service().runners.runs.length;
    await makeDue();
    const replica = startReplica();
    await vi.waitFor(() => expect(service().runners.runs.length).toBe(before + 1), LIMIT);
    await replica.stop();
    await vi.waitFor(() => expect(aborted).toBe(true), LIMIT);
    expect(await statusOf(organization)).toBeUndefined();
    expect(await auditOf(organization)).toEqual([]);
    const [row] = await rowsOf(organization);
    expect(row).toMatchObject({ outcome: null, attempts: 0 });
    expect(row?.seconds).toBeGreaterThan(60);
  });

  test('what is stored and logged of it holds no key', async () => {
    const { query } = service().database;
    const organization = await connected(['a', 'b']);
    service().runners.carry = ({ connection }) => {
      const message = `${KEY_ID} and ${SECRET_KEY} did not work`;
      if (connection === 'a') throw new Error(message);
      return [failed(OperationErrorKind.INTERNAL, { reason: 'BROKEN', message })];
    };
    await makeDue();
    startReplica();
    await vi.waitFor(async () => {
      expect((await rowsOf(organization)).map(({ outcome }) => outcome)).toEqual([
        'inconclusive',
        'inconclusive',
      ]);
    }, LIMIT);
    const shown = await statusOf(organization, 'b');
    expect(shown?.message).toBe('[hidden] and [hidden] did not work');
    const rows = [
      await query.selectFrom('connection_verification').selectAll().execute(),
      await query.selectFrom('audit_record').selectAll().execute(),
    ];
    const ours = service().log.filter((line) => !line.includes('RunConnectionOperation'));
    for (const key of [KEY_ID, SECRET_KEY]) expect(JSON.stringify([rows, ours])).not.toContain(key);
  });
});
