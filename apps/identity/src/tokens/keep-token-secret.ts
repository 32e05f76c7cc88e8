import { randomBytes } from 'node:crypto';
import { type Engine, migrate, openDatabase } from '@planton/database';
import type { MasterKey } from '@planton/keyring';
import { state } from '@planton/rpc';
import { migrations } from '../migrations/index.ts';
import type { IdentityTables } from '../schema.ts';
import { findTokenSecret, insertTokenSecret, replaceTokenSecret } from './token-secret-store.ts';

/** What the wrapped bytes are: they open as nothing else. */
const CONTEXT = Buffer.from('planton/identity/token-secret/v1');

/**
 * The secret that encrypts the private signing keys: random, made once, stored wrapped by the master key, the same on every
 * replica. With the previous master key at hand it is wrapped anew.
 *
 * @throws `MASTER_KEY_WRONG`; nothing has been changed then
 */
export async function keepTokenSecret(
  engine: Engine,
  { master, previous }: { readonly master: MasterKey; readonly previous?: MasterKey | undefined },
): Promise<string> {
  await migrate(engine, 'identity', migrations);
  const { query } = openDatabase<IdentityTables>(engine, 'identity');
  const wrap = async (secret: Buffer) => ({
    masterFingerprint: master.fingerprint,
    wrapped: await master.wrap(secret, CONTEXT),
  });

  if (!(await findTokenSecret(query))) await insertTokenSecret(query, await wrap(randomBytes(32)));
  const stored = await findTokenSecret(query);
  const opener = [master, previous].find((key) => key?.fingerprint === stored?.masterFingerprint);
  if (!stored || !opener) {
    throw state(
      'MASTER_KEY_WRONG',
      `wrong master key: expected fingerprint ${stored?.masterFingerprint}, got ${master.fingerprint}. Nothing has been changed`,
      { hint: 'start with the master key that the data were encrypted with' },
    );
  }
  const secret = await opener.unwrap(stored.wrapped, CONTEXT);
  if (opener !== master) await replaceTokenSecret(query, opener.fingerprint, await wrap(secret));
  return secret.toString('base64');
}
