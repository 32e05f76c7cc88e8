import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ResolvedReferenceSchema } from '@planton/api/config/v1/config_manager_service';
import { KeyringError } from '@planton/keyring';
import type { Caller } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { openText } from '../secrets/seal-version.ts';
import { secretDamaged } from '../secrets/secret.ts';
import type { Resolved, SealedValue } from './resolve-store.ts';

type Value = MessageInitShape<typeof ResolvedReferenceSchema>;

/** A read that is on record. */
export interface RecordedRead {
  readonly organizationUid: string;
  /** Slug; empty for the organisation level. */
  readonly environment: string;
  readonly caller: Caller;
  readonly purpose: string;
}

/** Decrypts what was resolved, in its order. What does not decrypt is recorded once more, as failed, and nothing is handed out. */
export async function openResolved(
  { database, keyring }: Deps,
  read: RecordedRead,
  resolved: readonly Resolved[],
): Promise<Value[]> {
  const organization = read.organizationUid;
  const open = async (sealed: SealedValue): Promise<Value> => {
    const organizationKey = await keyring.unwrapOrganizationKey(organization, sealed.organizationKey);
    const place = { organization, secret: sealed.secretUid, version: sealed.versionUid };
    const dataKey = keyring.unwrapDataKey(organizationKey, place, sealed.wrappedDataKey);
    const value = openText(keyring, dataKey, sealed.key, sealed.ciphertext);
    return { value, targetUid: sealed.secretUid, version: sealed.version };
  };

  const values: Value[] = [];
  for (const each of resolved) {
    if (each.kind === 'variable') values.push({ value: each.value, targetUid: each.uid, version: 0 });
    if (each.kind !== 'secret') continue;
    try {
      values.push(await open(each));
    } catch (error) {
      if (!(error instanceof KeyringError)) throw error;
      await recordAudit(database.query, organization, read.caller, [
        {
          action: 'secret.access',
          resource: { kind: 'secret', uid: each.secretUid, slug: each.slug },
          environment: read.environment,
          version: each.version,
          purpose: read.purpose,
          outcome: 'failed',
          details: { reason: 'SECRET_DAMAGED', entries: each.key },
        },
      ]);
      throw secretDamaged(each.slug, each.version, error);
    }
  }
  return values;
}
