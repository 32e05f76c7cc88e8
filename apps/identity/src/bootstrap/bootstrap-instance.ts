import { rm } from 'node:fs/promises';
import type { Subject } from '@planton/rpc';
import { insertApiKey } from '../api-keys/api-key-store.ts';
import { hashKey, mintKey, tracesOf } from '../api-keys/mint-key.ts';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import {
  hasInstanceOwner,
  insertInstanceOwner,
  insertService,
  knowsKey,
  lockBootstrap,
} from './bootstrap-store.ts';
import { createKeyFile, readKeyFile } from './keep-key-file.ts';

/** The services of the platform that call others in their own name. */
export const platformServices = ['config-manager', 'connection-service', 'runner-gateway'] as const;

export interface BootstrapSettings {
  /** Where the key of the instance's owner is written the first time, such as `<data-dir>/bootstrap-api-key`. */
  readonly ownerKeyFile: string;
}

type BootstrapDeps = Pick<Deps, 'database' | 'newUid' | 'randomBytes'>;

/**
 * Makes the identities that everything else begins with: the instance's owner, with a key in a file, and the services.
 *
 * The file is written before the database learns of the key, so whenever this is interrupted the next start finds the file
 * and registers what it holds: there is never an owner whose key nobody has. Any number of replicas may start at once; one
 * makes the owner, and the others withdraw the file that they prepared. Once there is an owner, the file is never touched
 * again: moving it to a safer place is right.
 *
 * @returns whether the owner was made now, with the key that is in the file
 * @throws KeyFileRefused
 */
export async function bootstrapInstance(
  deps: BootstrapDeps,
  { ownerKeyFile }: BootstrapSettings,
): Promise<{ readonly created: boolean }> {
  const { database, newUid } = deps;
  if (await hasInstanceOwner(database.query)) {
    await database.transact((tx) => insertServices(tx, newUid));
    return { created: false };
  }
  const found = await readKeyFile(ownerKeyFile);
  const fresh = found ?? mintKey(deps.randomBytes);
  const key = found ?? (await createKeyFile(ownerKeyFile, fresh, newUid));

  const created = await database.transact(async (tx) => {
    await lockBootstrap(tx);
    await insertServices(tx, newUid);
    if (await hasInstanceOwner(tx)) return false;
    await insertOwner(tx, key, newUid);
    return true;
  });
  if (!created && !(await knowsKey(database.query, hashKey(key)))) await rm(ownerKeyFile, { force: true });
  return { created };
}

type Tx = Parameters<typeof insertInstanceOwner>[0];

async function insertServices(tx: Tx, newUid: () => string): Promise<void> {
  for (const service of platformServices) await insertService(tx, newUid(), service);
}

async function insertOwner(tx: Tx, key: string, newUid: () => string): Promise<void> {
  const [uid, keyUid] = [newUid(), newUid()];
  await insertInstanceOwner(tx, uid);
  await insertApiKey(tx, { uid: keyUid, subjectUid: uid, name: 'bootstrap' }, tracesOf(key), undefined);
  const self: Subject = { kind: 'service', uid: '', name: 'identity', instanceOwner: false };
  await recordAudit(
    tx,
    '',
    { subject: self, requestId: '', peerAddress: '' },
    { action: 'instance.bootstrap', resource: { kind: 'api_key', uid: keyUid, slug: 'bootstrap' } },
  );
}
