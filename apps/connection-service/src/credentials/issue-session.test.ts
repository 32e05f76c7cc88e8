import { createClient } from '@connectrpc/connect';
import { AuditOutcome } from '@planton/api/common/v1/audit';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { engines } from '@planton/database/testing';
import { ACTOR_HEADER } from '@planton/rpc';
import { describe, expect, test } from 'vitest';
import { connectionRoutes } from '../routes.ts';
import { ACCOUNT } from '../testing/fake-runner-service.ts';
import { SESSION_POLICY, useSessions } from '../testing/use-sessions.ts';
import { refusalOf } from '../testing/use-test-service.ts';
import { countTakes, EXTERNAL_ID, openingSessions, ROLE, roleOf, tokenOf } from '../testing/use-trust.ts';
import { keepSessions } from './keep-sessions.ts';

const MINUTE = 60_000;

describe.each(engines)('sessions of connections with trust on %s', (kind) => {
  const { service, trusted, issue, recordsOf, callsOf } = useSessions(kind);

  test('the platform runner assumes the role, for whoever asks, on record', async () => {
    const organization = await trusted();
    const { slug: org } = organization;
    const deployer = await organization.as('deployer', { name: 'CI Müller', uid: 'ci-uid' });
    const before = Date.now();
    const { runs, config } = await callsOf(async () => {
      const answer = await issue(deployer, org, {
        environment: 'production',
        purpose: 'deploy 42',
        sessionPolicy: SESSION_POLICY,
        duration: { seconds: 1_800n },
      });
      expect(answer).toMatchObject({ connection: 'a', revision: 1 });
      expect(answer.key).toMatchObject({
        accessKeyId: 'ASIAIOSFODNN7EXAMPLE',
        sessionToken: tokenOf(1),
        accountId: ACCOUNT,
        region: 'us-west-2',
      });
      expect(Number(answer.key.expireTime?.seconds)).toBeGreaterThan(before / 1_000 + 3_000);
    });
    expect(config).toEqual(['resolve']);
    expect(runs).toMatchObject([
      {
        service: 'connection-service',
        actor: 'ci-uid',
        request: { runnerUid: '', connection: 'a', organizationUid: organization.uid, purpose: 'deploy 42' },
      },
    ]);
    const { request } = runs[0] ?? expect.unreachable();
    expect(request.resultPublicKey).toHaveLength(32);
    expect(Number(request.timeout?.seconds)).toBeLessThanOrEqual(30);
    expect(request.input?.kind.value).toMatchObject({ accountId: ACCOUNT, region: 'us-west-2' });
    const role = roleOf(request.input?.kind);
    expect(role).toMatchObject({
      roleArn: ROLE,
      externalId: EXTERNAL_ID,
      sessionPolicy: SESSION_POLICY,
      duration: { seconds: 1_800n },
      tags: {
        'planton:organization': org,
        'planton:environment': 'production',
        'planton:connection': 'a',
        'planton:requester': 'CI Müller',
      },
    });
    expect(role.sessionName).toMatch(/^CI-Muller-[0-9a-f]{8}$/);
    expect(role.sourceIdentity).toBe(role.sessionName);
    expect(await recordsOf(organization)).toMatchObject([
      {
        actorUid: 'ci-uid',
        outcome: AuditOutcome.SUCCEEDED,
        purpose: 'deploy 42',
        details: {
          source: 'organization',
          cached: 'false',
          tagged: 'true',
          session_arn: `arn:aws:sts::${ACCOUNT}:assumed-role/PlantonConnect-a-1a2b3c4d/${role.sessionName}`,
          expire_time: expect.stringMatching(/^20.*Z$/),
        },
      },
    ]);
  });

  test('without an environment there is no tag of one, and without a duration none is given', async () => {
    const { admin, slug: org } = await trusted();
    const { runs } = await callsOf(() => issue(admin, org));
    const role = roleOf(runs[0]?.request.input?.kind);
    expect(Object.keys(role.tags).sort()).toEqual([
      'planton:connection',
      'planton:organization',
      'planton:requester',
    ]);
    expect(role.duration).toBeUndefined();
  });

  test('a service that acts for someone is named with them', async () => {
    const organization = await trusted();
    const { slug: org } = organization;
    const { platform, deps } = service();
    const ada = {
      uid: 'ada-uid',
      name: 'ada',
      org: { uid: organization.uid, slug: org },
      role: 'deployer',
    } as const;
    const acting = createClient(
      ConnectionService,
      platform.serviceTransport(connectionRoutes(deps), 'deployment-engine'),
    );
    const headers = { [ACTOR_HEADER]: await platform.tokenFor(ada) };
    const { runs } = await callsOf(() => acting.issueCredentials({ org }, { headers }));
    const role = roleOf(runs[0]?.request.input?.kind);
    expect(role.tags['planton:requester']).toBe('ada via deployment-engine');
    expect(role.sourceIdentity).toMatch(/^ada-via-deployment-engine-[0-9a-f]{8}$/);
    const herself = await organization.as('deployer', ada);
    const own = await callsOf(() => issue(herself, org));
    expect(roleOf(own.runs[0]?.request.input?.kind).sourceIdentity).toBe('ada');
    const records = await recordsOf(organization);
    expect(records.map(({ actorUid, viaService }) => [actorUid, viaService])).toEqual([
      ['ada-uid', ''],
      ['ada-uid', 'deployment-engine'],
    ]);
  });

  test('a session that is kept is issued without asking anyone, on record', async () => {
    const organization = await trusted();
    const { admin, slug: org } = organization;
    const first = await issue(admin, org);
    const { config, runs } = await callsOf(async () => {
      expect((await issue(admin, org)).key).toEqual(first.key);
      expect((await issue(admin, org, { connection: 'a', purpose: 'another' })).key).toEqual(first.key);
    });
    expect([config, runs]).toEqual([[], []]);
    const records = await recordsOf(organization);
    expect(records.map(({ details }) => details.cached)).toEqual(['true', 'true', 'false']);
    expect(new Set(records.map(({ details }) => details.session_arn)).size).toBe(1);
  });

  test('a thousand who ask at once have one session opened, and each a record', async () => {
    const gate = Promise.withResolvers<void>();
    const open = openingSessions();
    const organization = await trusted(async function* (...given) {
      await gate.promise;
      yield* open(...given);
    });
    const { slug: org } = organization;
    const { sessions, taken } = countTakes(service().deps, 1_000);
    const client = await service().clientWith({ ...service().deps, sessions }, organization);
    const { runs, config } = await callsOf(async () => {
      const asked = Array.from({ length: 1_000 }, () => issue(client, org));
      await taken;
      gate.resolve();
      const answers = await Promise.all(asked);
      expect(new Set(answers.map(({ key }) => key.sessionToken))).toEqual(new Set([tokenOf(1)]));
    });
    expect(runs).toHaveLength(1);
    expect(config).toEqual(['resolve']);
    const rows = await service()
      .database.query.selectFrom('audit_record')
      .select(['details', 'outcome'])
      .where('organization_uid', '=', organization.uid)
      .where('action', '=', 'credentials.issue')
      .execute();
    expect(rows).toHaveLength(1_000);
    expect(rows.filter(({ details }) => (details as { cached: string }).cached === 'false')).toHaveLength(1);
  });

  test('who leaves ends nothing for others', async () => {
    const gate = Promise.withResolvers<void>();
    const open = openingSessions();
    const begun = Promise.withResolvers<void>();
    const { admin, slug: org } = await trusted(async function* (request, signal) {
      begun.resolve();
      await gate.promise;
      signal.throwIfAborted();
      yield* open(request, signal);
    });
    const leaving = new AbortController();
    const { runs } = await callsOf(async () => {
      const left = admin.issueCredentials({ org }, { signal: leaving.signal });
      await begun.promise;
      const stays = issue(admin, org);
      leaving.abort();
      await expect(left).rejects.toThrow();
      gate.resolve();
      expect((await stays).key.sessionToken).toBe(tokenOf(1));
    });
    expect(runs).toHaveLength(1);
  });

  test('a session that is due is renewed, and where that fails in passing it lasts to its last minutes', async () => {
    let clock = Date.now();
    const now = () => new Date(clock);
    const organization = await trusted(
      openingSessions(() => ({ expireTime: new Date(clock + 60 * MINUTE) })),
    );
    const { slug: org } = organization;
    const deps = { ...service().deps, now, sessions: keepSessions({ now }) };
    const client = await service().clientWith(deps, organization);
    const token = async () => (await issue(client, org)).key.sessionToken;
    expect(await token()).toBe(tokenOf(1));
    clock += 39 * MINUTE;
    expect(await token()).toBe(tokenOf(1));
    clock += MINUTE;
    expect(await token()).toBe(tokenOf(2));
    clock += 54 * MINUTE;
    service().runners.fault = () => 'before';
    expect(await token()).toBe(tokenOf(2));
    clock += MINUTE;
    expect(await refusalOf(token())).toMatchObject({ kind: 'unavailable' });
    service().runners.fault = () => undefined;
    expect(await token()).toBe(tokenOf(3));
    const records = await recordsOf(organization);
    expect(
      records.map(({ details: { cached, renewal_failed, reason } }) => [cached, renewal_failed, reason]),
    ).toEqual([
      ['false', undefined, undefined],
      [undefined, undefined, 'LOST'],
      ['true', 'LOST', undefined],
      ['false', undefined, undefined],
      ['true', undefined, undefined],
      ['false', undefined, undefined],
    ]);
  });
});
