import { type Engine, openDatabase } from '@planton/database';
import type { IdentityTables } from '../schema.ts';
import { makeOwnerLink, type OwnerLink, writeOwnerLink } from './owner-link.ts';
import { insertOwnerLink } from './owner-link-store.ts';
import { findOwner } from './person-store.ts';
import type { Site } from './site.ts';

/**
 * Puts a link for the owner into its file, at the first start. The database learns of it first, so that whoever reads the file has a link
 * that works at every replica. One that is there stays.
 *
 * @returns false where the owner has a password already
 * @throws KeyFileRefused
 */
export async function offerOwnerLink(site: Site, file: string): Promise<boolean> {
  const { query } = site.database;
  const owner = await findOwner(query);
  if (!owner || owner.hasPassword) return false;
  const link = makeOwnerLink({ ...site, now: Date.now() });
  await insertOwnerLink(query, link.hash, link.expireTime);
  await writeOwnerLink(file, link, site.newUid, false);
  return true;
}

/**
 * Makes a link for the owner, from outside the server: whoever can write its data dir, or its database, is its operator. The server takes
 * a link that it does not know from the file.
 *
 * @param engine the database, where it is one that takes more than one process: then every replica knows the link
 * @throws KeyFileRefused
 */
export async function prepareOwnerLink(settings: {
  readonly file: string;
  readonly publicUrl: string;
  readonly engine?: Engine;
  readonly now: number;
  readonly newUid: () => string;
  readonly randomBytes: (size: number) => Buffer;
}): Promise<OwnerLink> {
  const link = makeOwnerLink(settings);
  if (settings.engine) {
    const { query } = openDatabase<IdentityTables>(settings.engine, 'identity');
    await insertOwnerLink(query, link.hash, link.expireTime);
  }
  await writeOwnerLink(settings.file, link, settings.newUid, true);
  return link;
}
