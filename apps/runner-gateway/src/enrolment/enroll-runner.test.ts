import { createHash, X509Certificate } from 'node:crypto';
import { createClient } from '@connectrpc/connect';
import { createConnectTransport } from '@connectrpc/connect-node';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { engines } from '@planton/database/testing';
import { serve } from '@planton/rpc';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { parseInstanceName } from '../certificates/instance-name.ts';
import { makeRequest } from '../certificates/testing/make-request.ts';
import { GATEWAY_ADDRESS, refusalOf, until, useTestRunners } from '../runners/testing/use-test-runners.ts';
import { enrollRunner } from './enroll-runner.ts';

describe.each(engines)('enrolment on %s', (kind) => {
  const runners = useTestRunners(kind);
  const enrol = async (token: string, given: { ephemeral?: boolean; instanceName?: string } = {}) => {
    const { request, publicKey } = await makeRequest();
    const { stranger } = runners();
    const answer = await stranger.enrollRunner({
      token,
      certificateRequest: request,
      instanceName: 'host-1',
      ...given,
    });
    return { ...answer, publicKey };
  };
  const recordsOf = (organizationUid: string) =>
    runners()
      .database.query.selectFrom('audit_record')
      .selectAll()
      .where('organization_uid', '=', organizationUid)
      .orderBy('sequence')
      .execute();

  test('gives an instance its certificate', async () => {
    const { slug: org, uid: orgUid, admin, register } = await runners().newOrganization();
    const runnerUid = await register('My AWS Runner');
    const { text, token } = await admin.createRunnerToken({ org, runner: 'My AWS Runner' });
    expect(text).toMatch(/^plrt_[A-Za-z0-9_-]{43}$/);
    expect(token).toMatchObject({ runner: 'my-aws-runner', useLimit: 1, useCount: 0, createdBy: 'ada' });

    const enrolled = await enrol(text);
    expect(enrolled).toMatchObject({
      runnerUid,
      runner: 'my-aws-runner',
      org,
      gatewayAddress: GATEWAY_ADDRESS,
      certificate: { generation: 1, caBundle: runners().deps.authority.caBundle },
    });
    const certificate = new X509Certificate(enrolled.certificate?.certificate ?? '');
    expect(parseInstanceName(certificate.subjectAltName ?? '')).toEqual({
      instanceUid: enrolled.instanceUid,
      generation: 1,
    });
    expect(certificate.subject).toBe(`CN=org.${org}.runner.my-aws-runner`);
    expect(certificate.publicKey.export({ format: 'der', type: 'spki' }).equals(enrolled.publicKey)).toBe(
      true,
    );
    expect(certificate.verify(new X509Certificate(enrolled.certificate?.caBundle ?? '').publicKey)).toBe(
      true,
    );
    expect(Number(enrolled.certificate?.expireTime?.seconds) * 1000).toBe(certificate.validToDate.getTime());

    const { instances } = await admin.listRunnerInstances({ org, runner: 'my-aws-runner' });
    expect(instances).toMatchObject([
      { uid: enrolled.instanceUid, name: 'host-1', ephemeral: false, certificateGeneration: 1 },
    ]);
    await until(() => runners().woken.includes(`changed ${orgUid}`));
    const [used] = (await admin.listRunnerTokens({ org, runner: 'my-aws-runner' })).tokens;
    expect(used).toMatchObject({ uid: token?.uid, useCount: 1, lastUseTime: expect.anything() });
    expect((await recordsOf(orgUid)).map(({ action }) => action)).toEqual([
      'runner.register',
      'runner_token.create',
      'runner_instance.enrol',
    ]);
  });

  test('leaves the text of the token nowhere', async () => {
    const { database, log } = runners();
    const { slug: org, uid: orgUid, admin, register } = await runners().newOrganization();
    const runnerUid = await register('a');
    const { text } = await admin.createRunnerToken({ org, runner: 'a' });
    await enrol(text);
    await refusalOf(enrol(text));
    const rows = [
      ...(await recordsOf(orgUid)),
      ...(await database.query
        .selectFrom('enrolment_token')
        .selectAll()
        .where('runner_uid', '=', runnerUid)
        .execute()),
      ...log,
    ];
    const secret = text.slice('plrt_'.length);
    const raw = Buffer.from(secret, 'base64url');
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows) {
      const shown = JSON.stringify(row);
      expect(shown).not.toContain(secret);
      expect(shown).not.toContain(raw.toString('hex'));
      expect(shown).not.toContain(JSON.stringify(raw));
    }
    const [stored] = await database.query
      .selectFrom('enrolment_token')
      .select('hash')
      .where('runner_uid', '=', runnerUid)
      .execute();
    expect(stored?.hash.equals(createHash('sha256').update(text).digest())).toBe(true);
  });

  test('records where an instance enrolled from', async () => {
    const { platform, deps } = runners();
    const { slug: org, uid: orgUid, admin, register } = await runners().newOrganization();
    await register('a');
    const { text, token } = await admin.createRunnerToken({ org, runner: 'a' });
    const listener = await serve({
      address: '127.0.0.1:0',
      services: [],
      routes: (router) => router.service(RunnerService, { enrollRunner: enrollRunner(deps) }),
      guard: platform.guard,
      ready: async () => true,
    });
    try {
      const transport = createConnectTransport({ baseUrl: listener.url, httpVersion: '2' });
      const { request } = await makeRequest();
      const { instanceUid } = await createClient(RunnerService, transport).enrollRunner(
        { token: text, certificateRequest: request, instanceName: 'h', ephemeral: true },
        { headers: { 'x-request-id': 'enrol-request-1' } },
      );
      expect((await recordsOf(orgUid)).at(-1)).toMatchObject({
        action: 'runner_instance.enrol',
        actor_uid: token?.uid,
        resource_kind: 'runner_instance',
        resource_uid: instanceUid,
        resource_slug: 'a',
        request_id: 'enrol-request-1',
        peer_address: '127.0.0.1',
        details: { instance_name: 'h', token_uid: token?.uid, ephemeral: 'true' },
      });
    } finally {
      await listener.close(0);
    }
  });

  test('tells a stranger one and the same thing, whatever is wrong with the token', async () => {
    const { database } = runners();
    const { slug: org, admin, register } = await runners().newOrganization();
    await register('a');
    await register('b');
    const create = async (runner = 'a') => admin.createRunnerToken({ org, runner });
    const [used, expired, revoked, ofRevoked, ofDeleted] = [
      await create(),
      await create(),
      await create(),
      await create('b'),
      await create('b'),
    ];
    await enrol(used.text);
    await database.query
      .updateTable('enrolment_token')
      .set({ expire_time: sql<Date>`now() - interval '1 second'` })
      .where('uid', '=', expired.token?.uid ?? '')
      .execute();
    await admin.revokeRunnerToken({ org, tokenUid: revoked.token?.uid ?? '' });
    await admin.revokeRunner({ org, runner: 'b' });
    const refusals = [
      await refusalOf(enrol(used.text)),
      await refusalOf(enrol(expired.text)),
      await refusalOf(enrol(revoked.text)),
      await refusalOf(enrol(ofRevoked.text)),
      await refusalOf(enrol(`plrt_${'A'.repeat(43)}`)),
      await refusalOf(enrol('not a token')),
      await refusalOf(enrol(`${used.text} `)),
    ];
    await admin.deleteRunner({ org, runner: 'b' });
    refusals.push(await refusalOf(enrol(ofDeleted.text)));
    for (const refusal of refusals) {
      expect(refusal).toMatchObject({
        kind: 'unauthenticated',
        reason: 'ENROLMENT_TOKEN_INVALID',
        message: refusals[0]?.message,
        metadata: {},
      });
    }
  });

  test('says what is wrong with the certificate request to whoever has a token, which stays good', async () => {
    const { stranger } = runners();
    const { slug: org, admin, register } = await runners().newOrganization();
    await register('a');
    const { text } = await admin.createRunnerToken({ org, runner: 'a' });
    const garbage = { certificateRequest: 'garbage', instanceName: 'h' };
    expect(await refusalOf(stranger.enrollRunner({ token: text, ...garbage }))).toMatchObject({
      kind: 'invalid',
      reason: 'CERTIFICATE_REQUEST_INVALID',
    });
    const guessed = stranger.enrollRunner({ token: `plrt_${'A'.repeat(43)}`, ...garbage });
    expect(await refusalOf(guessed)).toMatchObject({ reason: 'ENROLMENT_TOKEN_INVALID' });
    await enrol(text);
  });

  test('a single-use token enrols one of fifty at once', async () => {
    const { slug: org, admin, register } = await runners().newOrganization();
    await register('a');
    const { text } = await admin.createRunnerToken({ org, runner: 'a' });
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () =>
        enrol(text).then(
          () => 'enrolled',
          async (error: unknown) => (await refusalOf(Promise.reject(error))).reason,
        ),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === 'enrolled')).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === 'ENROLMENT_TOKEN_INVALID')).toHaveLength(49);
    expect((await admin.listRunnerInstances({ org, runner: 'a' })).instances).toHaveLength(1);
  });

  test('a pool token enrols as many as it may, one without a limit all', async () => {
    const { slug: org, admin, register } = await runners().newOrganization();
    await register('a');
    const [pool, open] = [
      await admin.createRunnerToken({ org, runner: 'a', useLimit: 7 }),
      await admin.createRunnerToken({ org, runner: 'a', useLimit: 0 }),
    ];
    const settled = await Promise.allSettled(Array.from({ length: 20 }, () => enrol(pool.text)));
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(7);
    await Promise.all(Array.from({ length: 10 }, () => enrol(open.text, { ephemeral: true })));
    const { instances } = await admin.listRunnerInstances({ org, runner: 'a' });
    expect(instances.filter(({ ephemeral }) => ephemeral)).toHaveLength(10);
    expect(new Set(instances.map(({ uid }) => uid)).size).toBe(17);
    const { tokens } = await admin.listRunnerTokens({ org, runner: 'a' });
    expect(tokens.map(({ useLimit, useCount }) => [useLimit, useCount])).toEqual([
      [0, 10],
      [7, 7],
    ]);
  });

  test('under a runner that is deleted at the same time leaves nothing behind', async () => {
    const { database } = runners();
    const { slug: org, admin, register } = await runners().newOrganization();
    for (let round = 0; round < 5; round++) {
      const uid = await register('a');
      const { text } = await admin.createRunnerToken({ org, runner: 'a', useLimit: 0 });
      const [deleted, ...enrolled] = await Promise.allSettled([
        admin.deleteRunner({ org, runner: 'a' }),
        ...Array.from({ length: 4 }, () => enrol(text)),
      ]);
      expect(deleted?.status).toBe('fulfilled');
      for (const each of enrolled) {
        if (each.status === 'rejected') {
          expect((await refusalOf(Promise.reject(each.reason))).reason).toBe('ENROLMENT_TOKEN_INVALID');
        }
      }
      const left = await database.query
        .selectFrom('runner_instance')
        .select('uid')
        .where('runner_uid', '=', uid)
        .execute();
      expect(left).toEqual([]);
    }
  });
});
