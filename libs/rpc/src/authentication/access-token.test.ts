import { setTimeout as sleep } from 'node:timers/promises';
import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { createTokenVerifier, TOKEN_AUDIENCE, TokenRefused } from './access-token.ts';

const ISSUER = 'http://identity.test';

/** Identity as far as verifiers see it: keys that come and go, and how often they were fetched. */
async function start() {
  const published: JWK[] = [];
  let fetches = 0;
  const newKey = async (kid: string, isPublished = true) => {
    const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
    if (isPublished) published.push({ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA' });
    return () =>
      new SignJWT({ name: 'Ada', kind: 'user', ms: Date.now() })
        .setProtectedHeader({ alg: 'EdDSA', kid })
        .setIssuer(ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .setSubject('ada')
        .setIssuedAt()
        .setExpirationTime('5m')
        .sign(privateKey);
  };
  const verify = createTokenVerifier({
    issuer: ISSUER,
    now: Date.now,
    fetchKeys: async () => {
      fetches++;
      await sleep(5);
      return { keys: [...published] };
    },
  });
  return { newKey, verify, published, fetches: () => fetches };
}

describe('keys that are not known yet', () => {
  test('are fetched once for all that come together', async () => {
    const { newKey, verify, fetches } = await start();
    const sign = await newKey('first');
    await Promise.all(Array.from({ length: 50 }, async () => verify(await sign())));
    expect(fetches()).toBe(1);
  });

  test('are good within a second, however many made-up ones came just before', async () => {
    const { newKey, verify, fetches } = await start();
    await verify(await (await newKey('first'))());
    const madeUp = await Promise.all(
      Array.from({ length: 20 }, async (_, i) => (await newKey(`made-up-${i}`, false))()),
    );
    for (const token of madeUp.slice(0, 2)) await expect(verify(token)).rejects.toThrow(TokenRefused);
    const refused = Promise.allSettled(madeUp.map((token) => verify(token)));
    const rotated = await newKey('second');
    expect(await verify(await rotated())).toMatchObject({ subject: { uid: 'ada' } });
    for (const { status } of await refused) expect(status).toBe('rejected');
    expect(fetches()).toBeLessThanOrEqual(4);
  });

  test('cost a fetch a second at most, whoever makes them up', async () => {
    const { newKey, verify, fetches } = await start();
    await verify(await (await newKey('first'))());
    const until = performance.now() + 1_500;
    let tried = 0;
    while (performance.now() < until) {
      const token = await (await newKey(`made-up-${tried++}`, false))();
      await expect(verify(token)).rejects.toThrow(TokenRefused);
    }
    // One for the first token, one for each second that began.
    expect(fetches()).toBeLessThanOrEqual(4);
  });

  test('and cannot be fetched are no fault of the token, and are fetched again for the next', async () => {
    const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
    const keys = [{ ...(await exportJWK(publicKey)), kid: 'key', alg: 'EdDSA' }];
    let down = true;
    const verify = createTokenVerifier({
      issuer: ISSUER,
      now: Date.now,
      fetchKeys: async () => {
        if (down) throw new Error('identity does not answer');
        return { keys };
      },
    });
    const token = await new SignJWT({ name: 'Ada', kind: 'user', ms: Date.now() })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'key' })
      .setIssuer(ISSUER)
      .setAudience(TOKEN_AUDIENCE)
      .setSubject('ada')
      .setIssuedAt()
      .setExpirationTime('5m')
      .sign(privateKey);
    await expect(verify(token)).rejects.toThrow('identity does not answer');
    down = false;
    expect(await verify(token)).toMatchObject({ subject: { uid: 'ada' } });
  });
});
