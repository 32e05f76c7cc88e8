import type { Caller } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { openResolved } from '../references/open-resolved.ts';
import type { SecretOwner } from './owned-secret.ts';
import { accessAndRecord } from './owned-secret-store.ts';

export interface OwnedValue {
  readonly slug: string;
  readonly value: string;
}

/** Reads a server-owned secret for its owner. The read is on record before the value is opened. Undefined where there is none. */
export async function openOwnedSecret(
  deps: Deps,
  secretUid: string,
  owner: SecretOwner,
  read: { readonly caller: Caller; readonly purpose: string },
): Promise<OwnedValue | undefined> {
  const sealed = await accessAndRecord(deps.database.query, secretUid, owner, read);
  if (!sealed) return undefined;
  const { organizationUid } = owner;
  const [opened] = await openResolved(deps, { ...read, organizationUid, environment: '' }, [sealed]);
  if (opened?.value === undefined) throw new Error('a sealed value was not opened');
  return { slug: sealed.slug, value: opened.value };
}
