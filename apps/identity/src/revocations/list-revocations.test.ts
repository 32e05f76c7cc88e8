import { timestampMs } from '@bufbuild/protobuf/wkt';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { decodeJwt } from 'jose';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { useFixture } from '../testing/use-fixture.ts';
import { forgetRevocations, listRevocations } from './revocation-store.ts';

describe.each(engines)('revocations on %s', (kind) => {
  const fixture = useFixture(kind);

  test('name users, service accounts, keys and environments', async () => {
    const { root, serviceClient, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const user = await newUser(uid, 'viewer');
    const { environment } = await root.createEnvironment({ org, slug: 'staging' });
    const { apiKey } = await root.createApiKey({ org, name: 'ci', role: Role.VIEWER });
    await root.removeMember({ org, subjectUid: user.uid });
    await root.deleteEnvironment({ org, environment: 'staging' });
    await root.revokeApiKey({ org, apiKey: 'ci' });
    await root.deleteServiceAccount({ org, slug: 'ci' });
    const service = await serviceClient('config-manager');
    const { revocations } = await service.listRevocations({});
    expect(revocations.map(({ subject }) => subject)).toEqual(
      expect.arrayContaining([user.uid, environment?.uid, apiKey?.uid, apiKey?.subjectUid]),
    );
    for (const { notBefore } of revocations) expect(notBefore && timestampMs(notBefore)).toBeGreaterThan(0);
  });

  test('are forgotten when no token can be as old', async () => {
    const { database } = fixture();
    const insert = (uid: string, age: string) =>
      sql`insert into identity.revocation values (${uid}, now() - ${age}::interval)`.execute(database.query);
    await insert('young', '9 minutes');
    await insert('old', '11 minutes');
    await insert('ancient', '61 minutes');
    const known = await listRevocations(database.query);
    expect([known.has('young'), known.has('old'), known.has('ancient')]).toEqual([true, false, false]);
    await forgetRevocations(database.query);
    const left = await database.query.selectFrom('revocation').select('subject_uid').execute();
    expect(left.map((row) => row.subject_uid)).toEqual(expect.arrayContaining(['young', 'old']));
    expect(left.map((row) => row.subject_uid)).not.toContain('ancient');
  });

  test('no token with the old role outlives its change, however the two meet', async () => {
    const { root, identity, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const user = await newUser(uid, 'viewer');
    let last: string = 'viewer';
    for (let round = 0; round < 12; round++) {
      const next = last === 'viewer' ? 'admin' : 'viewer';
      const exchange = async () => decodeJwt((await identity.port.exchange(user.key, org)).token);
      const [, ...claims] = await Promise.all([
        root.setMember({ org, subjectUid: user.uid, role: next === 'admin' ? Role.ADMIN : Role.VIEWER }),
        exchange(),
        exchange(),
        exchange(),
        exchange(),
      ]);
      const notBefore = (await identity.port.readRevocations()).get(user.uid) ?? 0;
      for (const { ms, org: membership } of [...claims, await exchange()]) {
        const revoked = Number(ms) < notBefore;
        expect({ revoked, role: Object(membership).role }).toEqual({ revoked, role: revoked ? last : next });
      }
      last = next;
    }
  });
});
