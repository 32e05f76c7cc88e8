import { createSecretKey, hkdfSync, type KeyObject, randomBytes } from 'node:crypto';
import type { Database } from '@planton/database';
import { internal } from '@planton/rpc';
import type { RunnerTables } from '../schema.ts';
import { type MasterKeys, openerOf } from './master-keys.ts';
import { findServiceKey, insertServiceKey, rewrapServiceKey } from './service-key-store.ts';

/** What comes of the service's one lasting secret, the same on every replica. */
export interface ServiceKeys {
  /** Signs the nonces of recovery. */
  readonly nonceKey: KeyObject;
  /** 32 bytes, for `createSealingKey`, which copies them; the caller overwrites them after use. */
  readonly sealingSecret: Buffer;
}

const SECRET_BYTES = 32;

/** What the wrapped bytes are: they open as nothing else. */
const CONTEXT = Buffer.from('planton/runner-gateway/service-key/v1');

/**
 * The service's lasting secret: random, made once, stored wrapped by the master key. With the previous master key at hand it is
 * wrapped anew.
 *
 * @throws `MASTER_KEY_WRONG`; nothing has been changed then
 */
export async function keepServiceKey(
  { query }: Database<RunnerTables>,
  keys: MasterKeys,
  random: (size: number) => Buffer = randomBytes,
): Promise<ServiceKeys> {
  const { master } = keys;
  const wrap = async (secret: Buffer) => ({
    masterFingerprint: master.fingerprint,
    wrapped: await master.wrap(secret, CONTEXT),
  });

  if (!(await findServiceKey(query))) await insertServiceKey(query, await wrap(random(SECRET_BYTES)));
  const stored = await findServiceKey(query);
  if (!stored) throw internal('SERVICE_KEY_MISSING', 'the service key is gone');
  const opener = openerOf(stored.masterFingerprint, keys);
  const secret = await opener.unwrap(stored.wrapped, CONTEXT);
  if (opener !== master) await rewrapServiceKey(query, opener.fingerprint, await wrap(secret));

  const derive = (purpose: string) =>
    Buffer.from(
      hkdfSync('sha256', secret, Buffer.alloc(0), `planton/runner-gateway/${purpose}/v1`, SECRET_BYTES),
    );
  const nonceSecret = derive('recovery-nonce');
  try {
    return { nonceKey: createSecretKey(nonceSecret), sealingSecret: derive('sealing') };
  } finally {
    nonceSecret.fill(0);
    secret.fill(0);
  }
}
