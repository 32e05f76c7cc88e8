import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { type Database, type Engine, migrate, openDatabase } from '@planton/database';
import { engines, openTestEngine, stopTestServer } from '@planton/database/testing';
import { type MasterKey, openMasterKey } from '@planton/keyring';
import { DomainError } from '@planton/rpc';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrations } from '../migrations/index.ts';
import { type RunnerTables, SCHEMA } from '../schema.ts';
import type { Authority } from './authority.ts';
import { parseInstanceName } from './instance-name.ts';
import { keepAuthority } from './keep-authority.ts';
import { keepServiceKey } from './keep-service-key.ts';
import { makeRequest } from './testing/make-request.ts';
import { shakeHands } from './testing/shake-hands.ts';

const DAY = 24 * 3_600_000;
const makeMaster = (byte: number): Promise<MasterKey> =>
  openMasterKey(
    { kind: 'env', name: 'MASTER' },
    { createIfMissing: false, env: { MASTER: Buffer.alloc(32, byte).toString('base64') } },
  );

afterAll(stopTestServer);

describe.each(engines)('the keys of the gateway on %s', (kind) => {
  let engine: Engine;
  let database: Database<RunnerTables>;
  let old: MasterKey;
  let young: MasterKey;
  beforeEach(async () => {
    engine = await openTestEngine(kind);
    await migrate(engine, SCHEMA, migrations);
    database = openDatabase<RunnerTables>(engine, SCHEMA);
    [old, young] = [await makeMaster(1), await makeMaster(2)];
  });
  afterEach(() => engine.close());

  test('one authority is made, however many replicas start at once, and its key is stored wrapped', async () => {
    const made = await Promise.all(Array.from({ length: 5 }, () => keepAuthority(database, { master: old })));
    expect(new Set(made.map(({ caBundle }) => caBundle)).size).toBe(1);
    const rows = await database.query.selectFrom('certificate_authority').selectAll().execute();
    expect(rows).toMatchObject([{ signs: true, certificate: made[0]?.caBundle }]);
    const [row] = rows;
    expect(() =>
      createPrivateKey({ key: row?.wrapped_key ?? Buffer.alloc(0), format: 'der', type: 'pkcs8' }),
    ).toThrow();

    const certificate = new X509Certificate(made[0]?.caBundle ?? '');
    expect(certificate.ca).toBe(true);
    expect(certificate.verify(certificate.publicKey)).toBe(true);
    expect(row?.expire_time).toEqual(certificate.validToDate);
    expect(certificate.validToDate.getTime()).toBeGreaterThan(Date.now() + 3_650 * DAY);
  });

  test('both stay through a rotation of the master key, which the previous one is needed for once', async () => {
    const { caBundle } = await keepAuthority(database, { master: old });
    const { nonceKey, sealingSecret } = await keepServiceKey(database, { master: old });
    const states = () =>
      Promise.all([
        database.query.selectFrom('certificate_authority').selectAll().execute(),
        database.query.selectFrom('service_key').selectAll().execute(),
      ]);
    const before = await states();
    for (const keep of [keepAuthority, keepServiceKey]) {
      const wrong = await keep(database, { master: young }).catch((thrown: unknown) => thrown);
      expect(wrong).toBeInstanceOf(DomainError);
      expect(wrong).toMatchObject({ kind: 'state', reason: 'MASTER_KEY_WRONG' });
    }
    expect(await states()).toEqual(before);

    const keys = { master: young, previous: old };
    const [rotated] = await Promise.all([keepAuthority(database, keys), keepAuthority(database, keys)]);
    expect(rotated.caBundle).toBe(caBundle);
    const service = await keepServiceKey(database, keys);
    expect(service.nonceKey.equals(nonceKey)).toBe(true);
    expect(service.sealingSecret.equals(sealingSecret)).toBe(true);
    const after = await states();
    expect(after.flat().map(({ master_fingerprint }) => master_fingerprint)).toEqual([
      young.fingerprint,
      young.fingerprint,
    ]);

    const again = await keepAuthority(database, { master: young });
    expect(await handshake(again, rotated)).toMatchObject({ commonName: 'org.acme.runner.a' });
    await expect(keepAuthority(database, { master: old })).rejects.toThrow('wrong master key');
  });

  test('a wrapped key opens in its own row alone', async () => {
    await keepAuthority(database, { master: old });
    const { query } = database;
    await query.updateTable('certificate_authority').set({ uid: 'another' }).execute();
    await expect(keepAuthority(database, { master: old })).rejects.toMatchObject({ reason: 'tampered' });
  });

  test('the service key is made once, and gives different keys for different ends', async () => {
    const made = await Promise.all(
      Array.from({ length: 5 }, () => keepServiceKey(database, { master: old })),
    );
    const texts = (keys: KeyObject[]) => new Set(keys.map((key) => key.export().toString('hex')));
    expect(texts(made.map(({ nonceKey }) => nonceKey)).size).toBe(1);
    expect(new Set(made.map(({ sealingSecret }) => sealingSecret.toString('hex'))).size).toBe(1);
    expect(made[0]?.sealingSecret).toHaveLength(32);
    expect(
      texts(made.map(({ nonceKey }) => nonceKey)).has(made[0]?.sealingSecret.toString('hex') ?? ''),
    ).toBe(false);
    expect(await database.query.selectFrom('service_key').selectAll().execute()).toHaveLength(1);
  });

  test('an authority that no longer signs is still trusted', async () => {
    const first = await keepAuthority(database, { master: old });
    await database.query.updateTable('certificate_authority').set({ signs: false }).execute();
    const second = await keepAuthority(database, { master: old });
    expect(second.caBundle).toContain(first.caBundle);
    expect(second.caBundle.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(await handshake(second, first)).toMatchObject({ commonName: 'org.acme.runner.a' });
    expect(await handshake(first, second)).toMatchObject({
      serverError: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    });
  });
});

/** Between a gateway of one authority and an instance of another, each trusting what the gateway's trusts. */
async function handshake(gatewayOf: Authority, instanceOf: Authority) {
  const { request, server } = await issue(instanceOf, gatewayOf);
  return shakeHands({ ...server, ca: gatewayOf.caBundle }, { ...request, ca: gatewayOf.caBundle });
}

async function issue(instanceOf: Authority, gatewayOf: Authority = instanceOf, now = new Date()) {
  const { privateKey, publicKey } = await makeRequest();
  const { certificate } = await instanceOf.issueInstanceCertificate({
    publicKey,
    instanceUid: 'instance-1',
    generation: 3,
    commonName: 'org.acme.runner.a',
    now,
  });
  const { cert, key } = await gatewayOf.issueGatewayCertificate({
    hosts: ['127.0.0.1', '::1', 'gateway.test'],
    now,
  });
  return {
    request: { cert: certificate, key: privateKey.export({ format: 'pem', type: 'pkcs8' }) },
    server: { cert, key },
  };
}

describe('certificates', () => {
  let engine: Engine;
  let authority: Authority;
  let foreign: Authority;
  beforeEach(async () => {
    engine = await openTestEngine('pglite');
    await migrate(engine, SCHEMA, migrations);
    const database = openDatabase<RunnerTables>(engine, SCHEMA);
    const master = await makeMaster(1);
    foreign = await keepAuthority(database, { master });
    await database.query.deleteFrom('certificate_authority').execute();
    authority = await keepAuthority(database, { master });
  });
  afterEach(() => engine.close());

  test('carry a handshake, and the server learns the name of the instance', async () => {
    const { request, server } = await issue(authority);
    const ca = authority.caBundle;
    for (const host of ['127.0.0.1', 'gateway.test']) {
      const outcome = await shakeHands({ ...server, ca }, { ...request, ca }, host);
      expect(outcome).toEqual({
        subjectAltName: 'URI:urn:planton:runner-instance:instance-1:3',
        commonName: 'org.acme.runner.a',
      });
      expect(parseInstanceName(outcome.subjectAltName ?? '')).toEqual({
        instanceUid: 'instance-1',
        generation: 3,
      });
    }
    const elsewhere = await shakeHands({ ...server, ca }, { ...request, ca }, 'other.test');
    expect(elsewhere.clientError).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('of an instance are no good for a server, those of a gateway none for a client', async () => {
    const { request, server } = await issue(authority);
    const ca = authority.caBundle;
    const posing = await shakeHands({ ...request, ca }, { ...request, ca });
    expect(posing.clientError).toBe('INVALID_PURPOSE');
    const reversed = await shakeHands({ ...server, ca }, { ...server, ca });
    expect(reversed.serverError).toBe('INVALID_PURPOSE');
  });

  test('cannot sign others', async () => {
    const { request } = await issue(authority);
    const child = new X509Certificate(request.cert);
    expect(child.ca).toBe(false);
    expect(child.keyUsage).toEqual(['1.3.6.1.5.5.7.3.2']);
  });

  test('of another authority, or none, are refused', async () => {
    const { request, server } = await issue(authority);
    const stranger = await issue(foreign);
    const ca = authority.caBundle;
    expect((await shakeHands({ ...server, ca }, { ...stranger.request, ca })).serverError).toBeDefined();
    expect((await shakeHands({ ...server, ca }, { ca })).serverError).toBeDefined();
    expect((await shakeHands({ ...stranger.server, ca }, { ...request, ca })).clientError).toMatch(
      /UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET_ISSUER/,
    );
  });

  test('end: an expired one is refused', async () => {
    const { server } = await issue(authority);
    const { request } = await issue(authority, authority, new Date(Date.now() - 8 * DAY));
    const ca = authority.caBundle;
    expect((await shakeHands({ ...server, ca }, { ...request, ca })).serverError).toBe('CERT_HAS_EXPIRED');
  });

  test('live as long as they say', async () => {
    const now = new Date('2030-01-02T03:04:05.678Z');
    const { publicKey } = await makeRequest();
    const issued = await authority.issueInstanceCertificate({
      publicKey,
      instanceUid: 'instance-1',
      generation: 1,
      commonName: `org.${'o'.repeat(63)}.runner.${'r'.repeat(63)}`,
      now,
    });
    const parsed = new X509Certificate(issued.certificate);
    expect(parsed.validFromDate).toEqual(new Date('2030-01-02T02:59:05Z'));
    expect(parsed.validToDate).toEqual(new Date('2030-01-09T03:04:05Z'));
    expect(issued.expireTime).toEqual(parsed.validToDate);
    expect(issued.renewAfterTime).toEqual(new Date('2030-01-05T15:04:05Z'));
    expect(parsed.publicKey.export({ format: 'der', type: 'spki' }).equals(publicKey)).toBe(true);
    expect(parsed.subject).toBe(`CN=org.${'o'.repeat(63)}.runner.${'r'.repeat(63)}`);

    const gateway = await authority.issueGatewayCertificate({
      hosts: ['gateway.test', '10.0.0.1', '::1'],
      now,
    });
    const shown = new X509Certificate(gateway.cert);
    expect(gateway.expireTime).toEqual(shown.validToDate);
    expect(shown.validToDate).toEqual(new Date('2030-02-01T03:04:05Z'));
    expect(shown.checkHost('gateway.test')).toBe('gateway.test');
    expect(shown.checkIP('10.0.0.1')).toBe('10.0.0.1');
    expect(shown.checkIP('::1')).toBe('::1');
    expect(shown.checkPrivateKey(createPrivateKey(gateway.key))).toBe(true);
    await expect(authority.issueGatewayCertificate({ hosts: [], now })).rejects.toThrow(RangeError);
  });
});
