import { generateKeyPairSync, type KeyObject, sign, X509Certificate } from 'node:crypto';
import { engines } from '@planton/database/testing';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { parseInstanceName } from '../certificates/instance-name.ts';
import { makeRequest, signRecovery } from '../certificates/testing/make-request.ts';
import {
  GATEWAY_ADDRESS,
  refusalOf,
  type TestOrganization,
  useTestRunners,
} from '../runners/testing/use-test-runners.ts';

interface Enrolled {
  readonly uid: string;
  readonly privateKey: KeyObject;
}

describe.each(engines)('recovery on %s', (kind) => {
  const runners = useTestRunners(kind);

  const enrol = async ({ slug: org, admin, register }: TestOrganization, name = 'a'): Promise<Enrolled> => {
    await register(name);
    const { text } = await admin.createRunnerToken({ org, runner: name });
    const { request, privateKey } = await makeRequest();
    const { instanceUid } = await runners().stranger.enrollRunner({
      token: text,
      certificateRequest: request,
      instanceName: 'host-1',
    });
    return { uid: instanceUid, privateKey };
  };
  const nonceFor = async (instanceUid: string): Promise<Uint8Array> => {
    const { answer } = await runners().stranger.recoverRunner({ instanceUid });
    if (answer.case !== 'nonce') throw new Error('no nonce was answered');
    return answer.value;
  };
  const prove = async (instanceUid: string, nonce: Uint8Array, signature: Uint8Array) => {
    const { answer } = await runners().stranger.recoverRunner({
      instanceUid,
      proof: { nonce: new Uint8Array(nonce), signature: new Uint8Array(signature) },
    });
    if (answer.case !== 'recovered') throw new Error('nothing was recovered');
    return answer.value;
  };
  const recover = async ({ uid, privateKey }: Enrolled) => {
    const nonce = await nonceFor(uid);
    return prove(uid, nonce, signRecovery(privateKey, nonce));
  };
  const refused = async (call: Promise<unknown>) => {
    expect(await refusalOf(call)).toMatchObject({
      kind: 'denied',
      reason: 'RECOVERY_REFUSED',
      message: 'this instance cannot be recovered with this proof',
      metadata: {},
    });
  };
  const instanceOf = (uid: string) =>
    runners()
      .database.query.selectFrom('runner_instance')
      .selectAll()
      .where('uid', '=', uid)
      .executeTakeFirstOrThrow();

  test('gives the next certificate for the same key, also a year after the last one ended', async () => {
    const { database, clock } = runners();
    const organization = await runners().newOrganization();
    const enrolled = await enrol(organization);
    await database.query
      .updateTable('runner_instance')
      .set({ certificate_expire_time: sql<Date>`now() - interval '1 year'` })
      .where('uid', '=', enrolled.uid)
      .execute();
    clock.ahead = 372 * 24 * 3_600_000;
    try {
      const { certificate, gatewayAddress } = await recover(enrolled);
      expect(gatewayAddress).toBe(GATEWAY_ADDRESS);
      expect(certificate?.generation).toBe(2);
      expect(certificate?.caBundle).toBe(runners().deps.authority.caBundle);
      const parsed = new X509Certificate(certificate?.certificate ?? '');
      expect(parsed.checkPrivateKey(enrolled.privateKey)).toBe(true);
      expect(parseInstanceName(parsed.subjectAltName ?? '')).toEqual({
        instanceUid: enrolled.uid,
        generation: 2,
      });
      expect(parsed.validToDate.getTime()).toBeGreaterThan(Date.now() + 378 * 24 * 3_600_000);
      expect(await instanceOf(enrolled.uid)).toMatchObject({
        generation: 2,
        used_generation: 1,
        certificate_expire_time: parsed.validToDate,
      });
    } finally {
      clock.ahead = 0;
    }
    const { slug: org, admin } = organization;
    const { records } = await admin.listAuditRecords({ org, action: 'runner_instance.recover' });
    expect(records).toMatchObject([
      {
        actorUid: enrolled.uid,
        actorName: 'host-1',
        resourceUid: enrolled.uid,
        resourceSlug: 'a',
        version: 2,
      },
    ]);
  });

  test('answers a nonce for any uid, and keeps nothing of it', async () => {
    const { database } = runners();
    const enrolled = await enrol(await runners().newOrganization());
    const before = await database.query.selectFrom('recovery_nonce').selectAll().execute();
    const [known, unknown] = [await nonceFor(enrolled.uid), await nonceFor('nobody')];
    expect(known).toHaveLength(unknown.length);
    expect(Buffer.from(await nonceFor(enrolled.uid)).equals(known)).toBe(false);
    expect(await database.query.selectFrom('recovery_nonce').selectAll().execute()).toEqual(before);
  });

  test('takes a nonce once, however many try at the same time', async () => {
    const enrolled = await enrol(await runners().newOrganization());
    const nonce = await nonceFor(enrolled.uid);
    const signature = signRecovery(enrolled.privateKey, nonce);
    const settled = await Promise.allSettled(
      Array.from({ length: 10 }, () => prove(enrolled.uid, nonce, signature)),
    );
    expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    await refused(prove(enrolled.uid, nonce, signature));
    // ECDSA signs the same bytes differently each time: the nonce counts, not the signature.
    await refused(prove(enrolled.uid, nonce, signRecovery(enrolled.privateKey, nonce)));
    expect((await instanceOf(enrolled.uid)).generation).toBe(2);
    await recover(enrolled);
    expect((await instanceOf(enrolled.uid)).generation).toBe(3);
  });

  test('takes a nonce for a minute', async () => {
    const { clock } = runners();
    const enrolled = await enrol(await runners().newOrganization());
    const nonce = await nonceFor(enrolled.uid);
    const signature = signRecovery(enrolled.privateKey, nonce);
    clock.ahead = 61_000;
    try {
      await refused(prove(enrolled.uid, nonce, signature));
    } finally {
      clock.ahead = 0;
    }
    await prove(enrolled.uid, nonce, signature);
  });

  test('is refused with a proof that is made up', async () => {
    const organization = await runners().newOrganization();
    const [mine, other] = [await enrol(organization, 'a'), await enrol(organization, 'b')];
    const nonce = await nonceFor(mine.uid);
    const foreign = await nonceFor(other.uid);
    const signature = signRecovery(mine.privateKey, nonce);
    const forged = Buffer.from(nonce);
    forged[10] = (forged[10] ?? 0) ^ 1;
    const unprefixed = sign('sha256', nonce, mine.privateKey);
    const flipped = Buffer.from(signature);
    flipped[12] = (flipped[12] ?? 0) ^ 1;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;

    await refused(prove(mine.uid, nonce, signRecovery(other.privateKey, nonce)));
    await refused(prove(mine.uid, foreign, signRecovery(mine.privateKey, foreign)));
    await refused(prove(mine.uid, forged, signRecovery(mine.privateKey, forged)));
    await refused(prove(mine.uid, nonce, unprefixed));
    await refused(prove(mine.uid, nonce, flipped));
    await refused(prove(mine.uid, nonce, Buffer.alloc(8)));
    await refused(prove(mine.uid, nonce, Buffer.alloc(128, 0x30)));
    await refused(prove(mine.uid, nonce, sign('sha256', nonce, rsa)));
    await refused(prove(mine.uid, Buffer.alloc(57, 1), signature));
    const unknown = await nonceFor('nobody');
    await refused(prove('nobody', unknown, signRecovery(mine.privateKey, unknown)));
    expect((await instanceOf(mine.uid)).generation).toBe(1);
    // None of that used the nonce.
    expect((await prove(mine.uid, nonce, signature)).certificate?.generation).toBe(2);
  });

  test('is refused for what was revoked or locked, like for what is not known', async () => {
    const { database } = runners();
    const organization = await runners().newOrganization();
    const { slug: org, admin } = organization;
    const [revoked, locked, ofRevoked, ofDeleted] = [
      await enrol(organization, 'a'),
      await enrol(organization, 'b'),
      await enrol(organization, 'c'),
      await enrol(organization, 'd'),
    ];
    await admin.revokeRunner({ org, runner: 'a', instanceUid: revoked.uid });
    await database.query
      .updateTable('runner_instance')
      .set({ lock_time: sql<Date>`now()` })
      .where('uid', '=', locked.uid)
      .execute();
    await admin.revokeRunner({ org, runner: 'c' });
    await admin.deleteRunner({ org, runner: 'd' });
    for (const each of [revoked, locked, ofRevoked, ofDeleted]) await refused(recover(each));
    expect((await admin.listAuditRecords({ org, action: 'runner_instance.recover' })).records).toEqual([]);
  });

  test('bounds what it reads', async () => {
    const { stranger } = runners();
    const signature = new Uint8Array(8);
    for (const request of [
      { instanceUid: 'a'.repeat(65) },
      { instanceUid: 'a\0b' },
      { instanceUid: 'a', proof: { nonce: new Uint8Array(15), signature } },
      { instanceUid: 'a', proof: { nonce: new Uint8Array(257), signature } },
      { instanceUid: 'a', proof: { nonce: new Uint8Array(57), signature: new Uint8Array(129) } },
    ]) {
      expect((await refusalOf(stranger.recoverRunner(request))).reason).toBe('VALIDATION_FAILED');
    }
  });
});
