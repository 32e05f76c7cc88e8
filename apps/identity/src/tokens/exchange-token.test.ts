import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Role } from '@planton/api/identity/v1/organization';
import { engines } from '@planton/database/testing';
import { createTokenVerifier, TOKEN_AUDIENCE } from '@planton/rpc';
import { decodeJwt, decodeProtectedHeader, exportJWK, generateKeyPair, SignJWT } from 'jose';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { mintKey } from '../api-keys/mint-key.ts';
import { ISSUER, refusalOf, SECRET } from '../testing/open-fixture.ts';
import { useFixture } from '../testing/use-fixture.ts';
import { accessTokenClaims } from './access-token.ts';
import { createTokenSigner } from './create-token-signer.ts';

describe.each(engines)('access tokens on %s', (kind) => {
  const fixture = useFixture(kind);

  const verifier = () =>
    createTokenVerifier({
      issuer: ISSUER,
      fetchKeys: () => fixture().identity.port.fetchKeys(),
      now: () => Date.now(),
    });

  test('say who, with which key, where, for five minutes', async () => {
    const { clientWith, newOrganization, newUser } = fixture();
    const { uid, slug: org } = await newOrganization();
    const user = await newUser(uid, 'developer');
    const { accessToken, expireTime } = await clientWith().exchangeToken({ apiKey: user.key, org });
    const claims = decodeJwt(accessToken);
    expect(claims).toMatchObject({
      iss: ISSUER,
      aud: TOKEN_AUDIENCE,
      sub: user.uid,
      kind: 'user',
      org: { uid, slug: org, role: 'developer' },
    });
    expect(claims.owner).toBeUndefined();
    expect(Object(claims.org).envs).toBeUndefined();
    expect((claims.exp ?? 0) - (claims.iat ?? 0)).toBe(300);
    expect(expireTime?.seconds).toBe(BigInt(claims.exp ?? 0));
    expect(decodeProtectedHeader(accessToken)).toEqual({ alg: 'EdDSA', kid: expect.any(String) });
    expect(await verifier()(accessToken)).toMatchObject({
      subject: { uid: user.uid, instanceOwner: false, apiKeyUid: expect.any(String) },
      membership: { role: 'developer', environments: 'all' },
    });
  });

  test('do not outlive the key that they were exchanged for', async () => {
    const { clientWith, root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const lifetime = { seconds: 90n, nanos: 0 };
    const { key, apiKey } = await root.createApiKey({ org, name: 'mortal', lifetime });
    const { accessToken, expireTime } = await clientWith().exchangeToken({ apiKey: key, org });
    expect(expireTime?.seconds).toBe(apiKey?.expireTime?.seconds);
    expect(decodeJwt(accessToken).exp).toBe(Number(apiKey?.expireTime?.seconds));
  });

  test('an organisation that the subject is no member of is left out', async () => {
    const { clientWith, newOrganization, newUser } = fixture();
    const [here, there] = [await newOrganization(), await newOrganization()];
    const { key: apiKey } = await newUser(here.uid, 'owner');
    for (const org of [there.slug, 'nowhere', '']) {
      const { accessToken } = await clientWith().exchangeToken({ apiKey, org });
      expect(decodeJwt(accessToken).org).toBeUndefined();
    }
  });

  test('every wrong key gets the same answer', async () => {
    const { clientWith, root, newOrganization } = fixture();
    const { slug: org } = await newOrganization();
    const revoked = await root.createApiKey({ org, name: 'revoked', role: Role.VIEWER });
    await root.revokeApiKey({ org, apiKey: 'revoked' });
    const answers = new Set<string>();
    const unknown = mintKey(randomBytes);
    for (const apiKey of [unknown, `${unknown}x`, unknown.toUpperCase(), 'x', "' or 1=1 --", revoked.key]) {
      const error = await clientWith()
        .exchangeToken({ apiKey, org })
        .catch((thrown: unknown) => thrown);
      answers.add(JSON.stringify([String(error), await refusalOf(Promise.reject(error))]));
      expect(String(error)).not.toContain(apiKey.length > 1 ? apiKey : unknown);
    }
    expect([...answers]).toHaveLength(1);
    expect([...answers][0]).toContain('API_KEY_INVALID');
    expect(await refusalOf(clientWith().exchangeToken({ apiKey: 'k'.repeat(513) }))).toMatchObject({
      kind: 'invalid',
    });
  });

  test('the use of a key is noted, once a minute', async () => {
    const { database, identity, newOrganization, newUser } = fixture();
    const { uid } = await newOrganization();
    const { uid: subject, key } = await newUser(uid, 'viewer');
    const lastUse = () =>
      database.query
        .selectFrom('api_key')
        .select('last_use_time')
        .where('subject_uid', '=', subject)
        .executeTakeFirstOrThrow();
    await identity.port.exchange(key, '');
    const first = await lastUse();
    await identity.port.exchange(key, '');
    expect(await lastUse()).toEqual(first);
    await database.query
      .updateTable('api_key')
      .set({ last_use_time: sql<Date>`now() - interval '61 seconds'` })
      .where('subject_uid', '=', subject)
      .execute();
    await identity.port.exchange(key, '');
    expect((await lastUse()).last_use_time?.getTime()).toBeGreaterThanOrEqual(
      first.last_use_time?.getTime() ?? 0,
    );
  });

  test('a token is refused when anything about it is not ours', async () => {
    const { identity, clientWith, rootKey } = fixture();
    const { token } = await identity.port.exchange(rootKey, '');
    const [header = '', payload = '', signature = ''] = token.split('.');
    const claims = decodeJwt(token);
    const { kid = '' } = decodeProtectedHeader(token);
    const foreign = await generateKeyPair('EdDSA');
    const { keys } = await identity.port.fetchKeys();
    const sign = (
      changes: Record<string, unknown>,
      alg = 'EdDSA',
      key: typeof foreign.privateKey | Uint8Array = foreign.privateKey,
    ) => new SignJWT({ ...claims, ...changes }).setProtectedHeader({ alg, kid }).sign(key);
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');

    const signer = await createTokenSigner({
      database: fixture().database,
      issuer: 'http://elsewhere',
      secret: SECRET,
      newUid: randomUUID,
    });
    const facts = {
      subject: { kind: 'user' as const, uid: 'x', name: 'x', instanceOwner: true },
      issueTime: Date.now() - 600_000,
    };
    const forged = [
      await sign({}),
      `${encode({ alg: 'none', kid })}.${payload}.`,
      await sign({}, 'HS256', Buffer.from(JSON.stringify(keys[0]))),
      `${header}.${encode({ ...claims, owner: true, sub: 'someone-else' })}.${signature}`,
      await signer.sign(accessTokenClaims({ ...facts, issueTime: Date.now() })),
    ];
    for (const each of forged) {
      expect(await refusalOf(clientWith(each).whoAmI({}))).toMatchObject({ kind: 'unauthenticated' });
    }
    const expired = await createTokenSigner({
      database: fixture().database,
      issuer: ISSUER,
      secret: SECRET,
      newUid: randomUUID,
    });
    const old = await expired.sign(accessTokenClaims(facts));
    expect(await refusalOf(clientWith(old).whoAmI({}))).toMatchObject({ kind: 'unauthenticated' });
    const young = await expired.sign(accessTokenClaims({ ...facts, issueTime: Date.now() }));
    expect(await clientWith(young).whoAmI({})).toMatchObject({ name: 'x' });
  });

  test('private keys are encrypted in the database, and public key sets hold none', async () => {
    const { identity, database, rootKey, serviceClient } = fixture();
    await identity.port.exchange(rootKey, '');
    const rows = await database.query.selectFrom('signing_key').selectAll().execute();
    const { d: example = '' } = await exportJWK(
      (await generateKeyPair('EdDSA', { extractable: true })).privateKey,
    );
    expect(example).not.toBe('');
    for (const row of rows) expect(row.private_key).toMatch(/^"[0-9a-f]+"$/);
    const service = await serviceClient('connection-service');
    const { jsonWebKeySet } = await service.getJsonWebKeySet({});
    expect(JSON.parse(jsonWebKeySet).keys.length).toBeGreaterThan(0);
    expect(jsonWebKeySet).not.toContain('"d"');

    const wrong = await createTokenSigner({
      database,
      issuer: ISSUER,
      secret: 'another secret of more than 32 characters',
      newUid: randomUUID,
    });
    const subject = { kind: 'user' as const, uid: 'x', name: 'x', instanceOwner: false };
    await expect(wrong.sign(accessTokenClaims({ subject, issueTime: Date.now() }))).rejects.toThrow(
      /decrypt/,
    );
  });

  test('a platform service has its own token, and people have not', async () => {
    const { identity, serviceClient, root } = fixture();
    const { token } = await identity.issueServiceToken('config-manager');
    expect(decodeJwt(token)).toMatchObject({ kind: 'service', name: 'config-manager' });
    await expect(identity.issueServiceToken('intruder')).rejects.toThrow('no service identity');
    const service = await serviceClient('config-manager');
    expect((await service.listRevocations({})).revocations).toBeDefined();
    for (const call of [root.listRevocations({}), root.getJsonWebKeySet({})]) {
      expect(await refusalOf(call)).toEqual({ kind: 'denied', reason: 'SERVICE_ONLY' });
    }
  });

  test('keys rotate: new tokens name the new key, old ones stay good, very old keys go', async () => {
    const { identity, database, rootKey } = fixture();
    const verify = verifier();
    const before = (await identity.port.exchange(rootKey, '')).token;
    await verify(before);
    await database.query
      .updateTable('signing_key')
      .set({ expire_time: sql<Date>`now() - interval '1 second'` })
      .execute();
    const tokens = await Promise.all(
      Array.from({ length: 4 }, async () => (await identity.port.exchange(rootKey, '')).token),
    );
    const kids = new Set(tokens.map((token) => decodeProtectedHeader(token).kid));
    expect(kids.size).toBe(1);
    expect(kids).not.toContain(decodeProtectedHeader(before).kid);
    expect((await identity.port.fetchKeys()).keys).toHaveLength(2);
    expect(await verifier()(before)).toMatchObject({ subject: { name: 'instance-owner' } });
    expect(await verifier()(tokens[0] ?? '')).toMatchObject({ subject: { name: 'instance-owner' } });

    await database.query
      .updateTable('signing_key')
      .set({ expire_time: sql<Date>`now() - interval '2 hours'` })
      .execute();
    await identity.port.exchange(rootKey, '');
    expect((await identity.port.fetchKeys()).keys).toHaveLength(1);
    await expect(verifier()(before)).rejects.toThrow();
  });

  test('keys rotate under load, while others make keys up: every right token is taken', async () => {
    const { identity, database, rootKey, clientWith } = fixture();
    const stranger = await generateKeyPair('EdDSA');
    const made = decodeJwt((await identity.port.exchange(rootKey, '')).token);
    const kids = new Set<string | undefined>();
    let working = true;
    const work = async () => {
      while (working) {
        const { token } = await identity.port.exchange(rootKey, '');
        kids.add(decodeProtectedHeader(token).kid);
        await clientWith(token).whoAmI({});
      }
    };
    const makeUp = async () => {
      while (working) {
        const header = { alg: 'EdDSA', kid: randomUUID() };
        const token = await new SignJWT(made).setProtectedHeader(header).sign(stranger.privateKey);
        expect(await refusalOf(clientWith(token).whoAmI({}))).toMatchObject({ reason: 'TOKEN_INVALID' });
      }
    };
    const all = Promise.all([...Array.from({ length: 8 }, work), makeUp(), makeUp()]);
    try {
      while (kids.size === 0) await Promise.race([sleep(20), all]);
      for (let rotation = 0; rotation < 3; rotation++) {
        const seen = kids.size;
        await database.query
          .updateTable('signing_key')
          .set({ expire_time: sql<Date>`now() - interval '1 second'` })
          .where('expire_time', '>', sql<Date>`now()`)
          .execute();
        while (kids.size === seen) await Promise.race([sleep(20), all]);
      }
    } finally {
      working = false;
    }
    await all;
    expect(kids.size).toBeGreaterThanOrEqual(4);
  }, 30_000);
});
