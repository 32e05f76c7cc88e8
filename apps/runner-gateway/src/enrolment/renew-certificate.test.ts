import { type KeyObject, X509Certificate } from 'node:crypto';
import { type Client, createClient } from '@connectrpc/connect';
import { createGrpcTransport, Http2SessionManager } from '@connectrpc/connect-node';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { engines } from '@planton/database/testing';
import { type MutualTlsListener, serveMutualTls } from '@planton/rpc';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { parseInstanceName } from '../certificates/instance-name.ts';
import { makeRequest } from '../certificates/testing/make-request.ts';
import { refusalOf, until, useTestRunners } from '../runners/testing/use-test-runners.ts';

interface Enrolled {
  readonly uid: string;
  readonly privateKey: KeyObject;
  readonly certificate: string;
}

describe.each(engines)('RenewCertificate on %s', (kind) => {
  const runners = useTestRunners(kind);
  let listener: MutualTlsListener;
  const connections: Http2SessionManager[] = [];
  beforeAll(async () => {
    const { deps, platform, gatewayRoutes } = runners();
    const { cert, key } = await deps.authority.issueGatewayCertificate({
      hosts: ['127.0.0.1'],
      now: new Date(),
    });
    listener = await serveMutualTls({
      address: '127.0.0.1:0',
      services: [RunnerGateway],
      routes: gatewayRoutes,
      interceptors: platform.guard.interceptors,
      tls: { cert, key, ca: deps.authority.caBundle },
      logger: deps.logger,
      monotonic: deps.monotonic,
    });
  });
  afterEach(() => {
    for (const connection of connections.splice(0)) connection.abort();
  });
  afterAll(() => listener.close(0));

  /** A connection of its own, with this certificate. */
  const connect = (certificate: string, key: KeyObject): Client<typeof RunnerGateway> => {
    const sessionManager = new Http2SessionManager(listener.url, undefined, {
      ca: runners().deps.authority.caBundle,
      cert: certificate,
      key: key.export({ format: 'pem', type: 'pkcs8' }),
    });
    connections.push(sessionManager);
    return createClient(RunnerGateway, createGrpcTransport({ baseUrl: listener.url, sessionManager }));
  };
  const enrol = async () => {
    const organization = await runners().newOrganization();
    const { slug: org, admin, register } = organization;
    const runnerUid = await register('a');
    const { text } = await admin.createRunnerToken({ org, runner: 'a' });
    const { request, privateKey } = await makeRequest();
    const { instanceUid: uid, certificate } = await runners().stranger.enrollRunner({
      token: text,
      certificateRequest: request,
      instanceName: 'host-1',
    });
    const enrolled: Enrolled = { uid, privateKey, certificate: certificate?.certificate ?? '' };
    return { organization, runnerUid, enrolled };
  };
  const instanceOf = (uid: string) =>
    runners()
      .database.query.selectFrom('runner_instance')
      .selectAll()
      .where('uid', '=', uid)
      .executeTakeFirstOrThrow();

  test('gives the next generation for the same key, again and again over one connection', async () => {
    const { organization, enrolled } = await enrol();
    const client = connect(enrolled.certificate, enrolled.privateKey);
    for (const generation of [2, 3, 4]) {
      const { certificate } = await client.renewCertificate({});
      expect(certificate?.generation).toBe(generation);
      const parsed = new X509Certificate(certificate?.certificate ?? '');
      expect(parsed.checkPrivateKey(enrolled.privateKey)).toBe(true);
      expect(parseInstanceName(parsed.subjectAltName ?? '')).toEqual({
        instanceUid: enrolled.uid,
        generation,
      });
      expect(await instanceOf(enrolled.uid)).toMatchObject({
        generation,
        used_generation: 1,
        certificate_expire_time: parsed.validToDate,
      });
    }
    const { slug: org, admin } = organization;
    const { records } = await admin.listAuditRecords({ org, action: 'runner_instance.renew' });
    expect(records.map(({ version }) => version)).toEqual([4, 3, 2]);
    expect(records[0]).toMatchObject({
      actorUid: enrolled.uid,
      resourceUid: enrolled.uid,
      resourceSlug: 'a',
      peerAddress: '127.0.0.1',
    });
  });

  test('tolerates the certificate before until the new one is used, then locks the instance', async () => {
    const { database, woken } = runners();
    const { organization, runnerUid, enrolled } = await enrol();
    const { privateKey } = enrolled;
    const old = connect(enrolled.certificate, privateKey);
    const lost = await old.renewCertificate({});
    const second = await old.renewCertificate({});
    const young = connect(second.certificate?.certificate ?? '', privateKey);
    const third = await young.renewCertificate({});
    expect(third.certificate?.generation).toBe(4);
    expect(await instanceOf(enrolled.uid)).toMatchObject({
      generation: 4,
      used_generation: 3,
      lock_time: null,
    });

    woken.length = 0;
    const superseded = connect(lost.certificate?.certificate ?? '', privateKey);
    expect(await refusalOf(superseded.renewCertificate({}))).toMatchObject({
      kind: 'denied',
      reason: 'RUNNER_INSTANCE_LOCKED',
    });
    expect((await instanceOf(enrolled.uid)).lock_time).not.toBeNull();
    expect(
      await database.query.selectFrom('revocation').selectAll().where('runner_uid', '=', runnerUid).execute(),
    ).toMatchObject([{ instance_uid: enrolled.uid, reason: 'locked' }]);
    await until(() => woken.length === 2);
    expect(woken.toSorted()).toEqual([`changed ${organization.uid}`, 'revoked']);
    // Whoever has the good certificate is locked out too: one of them is the thief.
    const newest = connect(third.certificate?.certificate ?? '', privateKey);
    for (const client of [young, newest, old]) {
      expect((await refusalOf(client.renewCertificate({}))).reason).toBe('RUNNER_INSTANCE_LOCKED');
    }
    const { slug: org, admin } = organization;
    const { records } = await admin.listAuditRecords({ org, action: 'runner_instance.lock' });
    expect(records).toMatchObject([
      {
        resourceUid: enrolled.uid,
        version: 2,
        peerAddress: '127.0.0.1',
        details: { used_generation: '3', instance_name: 'host-1' },
      },
    ]);
  });

  test('at the same time makes different generations', async () => {
    const { enrolled } = await enrol();
    const client = connect(enrolled.certificate, enrolled.privateKey);
    const renewed = await Promise.all(Array.from({ length: 6 }, () => client.renewCertificate({})));
    const generations = renewed.map(({ certificate }) => certificate?.generation ?? 0);
    expect(generations.toSorted((a, b) => a - b)).toEqual([2, 3, 4, 5, 6, 7]);
    expect((await instanceOf(enrolled.uid)).generation).toBe(7);
  });

  test('is refused for an instance that was revoked, and for one that is gone', async () => {
    const { organization, enrolled } = await enrol();
    const { slug: org, admin } = organization;
    const client = connect(enrolled.certificate, enrolled.privateKey);
    await admin.revokeRunner({ org, runner: 'a', instanceUid: enrolled.uid });
    expect((await refusalOf(client.renewCertificate({}))).reason).toBe('RUNNER_INSTANCE_REVOKED');
    await admin.revokeRunner({ org, runner: 'a' });
    expect((await refusalOf(client.renewCertificate({}))).reason).toBe('RUNNER_INSTANCE_REVOKED');
    await admin.deleteRunner({ org, runner: 'a' });
    expect((await refusalOf(client.renewCertificate({}))).reason).toBe('RUNNER_INSTANCE_UNKNOWN');
  });

  test('goes on where the database was restored from an older state', async () => {
    const { database } = runners();
    const { enrolled } = await enrol();
    const first = connect(enrolled.certificate, enrolled.privateKey);
    const { certificate } = await first.renewCertificate({});
    const second = connect(certificate?.certificate ?? '', enrolled.privateKey);
    await database.query
      .updateTable('runner_instance')
      .set({ generation: 1, used_generation: 1, certificate_expire_time: sql<Date>`now()` })
      .where('uid', '=', enrolled.uid)
      .execute();
    expect((await second.renewCertificate({})).certificate?.generation).toBe(3);
    expect(await instanceOf(enrolled.uid)).toMatchObject({ generation: 3, used_generation: 2 });
  });
});
