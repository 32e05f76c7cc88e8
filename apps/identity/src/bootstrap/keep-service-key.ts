import { insertApiKey } from '../api-keys/api-key-store.ts';
import { hashKey, mintKey, tracesOf } from '../api-keys/mint-key.ts';
import type { Deps } from '../deps.ts';
import { findService, knowsKey, lockBootstrap } from './bootstrap-store.ts';
import { createKeyFile, readKeyFile } from './keep-key-file.ts';

/**
 * Sees to it that a file holds a key of a platform service, for a service that runs as a process of its own. Whoever can write
 * the file is Identity's operator, so a key that it holds is registered; one that was revoked stays revoked.
 *
 * @throws KeyFileRefused
 * @throws Error when there is no such service
 */
export async function keepServiceKey(
  { database, newUid, randomBytes }: Pick<Deps, 'database' | 'newUid' | 'randomBytes'>,
  service: string,
  path: string,
): Promise<void> {
  const key = (await readKeyFile(path)) ?? (await createKeyFile(path, mintKey(randomBytes), newUid));
  await database.transact(async (tx) => {
    await lockBootstrap(tx);
    if (await knowsKey(tx, hashKey(key))) return;
    const subjectUid = await findService(tx, service);
    if (subjectUid === undefined) throw new Error(`there is no service identity "${service}"`);
    await insertApiKey(tx, { uid: newUid(), subjectUid, name: service }, tracesOf(key), undefined);
  });
}
