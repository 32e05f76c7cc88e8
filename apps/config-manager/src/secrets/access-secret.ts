import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  AccessSecretRequest,
  AccessSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import { writeInBatches } from '@planton/database';
import { KeyringError } from '@planton/keyring';
import { missing, organizationCallerOf, type Scope } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { environmentFlag, levelOf } from '../level.ts';
import { type Accessed, type AccessQuery, type RecordedAccess, readAndRecord } from './access-store.ts';
import { openText } from './seal-version.ts';
import { secretDamaged, secretNotFound, versionDestroyed, versionNotFound } from './secret.ts';
import { findSecret } from './secret-store.ts';

const LARGEST_BATCH = 64;

/**
 * The read is on record before the values arrive here, in one statement that those who ask at the same time share. A value that then does not decrypt is recorded once more, as failed: records
 * are only ever added, so the trail may tell of a value that nobody got, and never keeps one that somebody got to itself.
 */
export function accessSecret(deps: Deps) {
  const reads = writeInBatches<AccessQuery, Accessed>({
    write: (queries) => readAndRecord(deps.database.query, queries),
    largest: LARGEST_BATCH,
    concurrency: 2,
  });
  return async (
    request: AccessSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof AccessSecretResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const scope = await deps.scopeOf(context, request.environment, { write: true });
    const { slug, version, keys, purpose } = request;
    const level = levelOf(scope);
    const environment = scope.environment?.slug ?? '';

    const recordUid = deps.newUid();
    const accessed = await reads.write({
      level,
      slug,
      version,
      keys,
      recordUid,
      environment,
      purpose,
      caller,
    });
    if (accessed.kind === 'not_found') {
      const secret = version === 0 ? undefined : await findSecret(deps.database.query, level, slug);
      throw secret ? versionNotFound(slug, version, scope) : secretNotFound(slug, scope);
    }
    if (accessed.kind === 'destroyed') throw versionDestroyed(slug, accessed.version, scope);
    if (accessed.kind === 'incomplete') throw entriesNotFound(slug, keys, accessed.keys, scope);

    try {
      const entries = await openEntries(deps, level.organizationUid, accessed);
      return { secretUid: accessed.secretUid, version: accessed.version, entries };
    } catch (error) {
      if (!(error instanceof KeyringError)) throw error;
      await recordAudit(deps.database.query, level.organizationUid, caller, [
        {
          action: 'secret.access',
          resource: { kind: 'secret', uid: accessed.secretUid, slug },
          environment,
          version: accessed.version,
          purpose,
          outcome: 'failed',
          details: { reason: 'SECRET_DAMAGED' },
        },
      ]);
      throw secretDamaged(slug, accessed.version, error);
    }
  };
}

async function openEntries({ keyring }: Deps, organization: string, accessed: RecordedAccess) {
  const organizationKey = await keyring.unwrapOrganizationKey(organization, accessed.organizationKey);
  const place = { organization, secret: accessed.secretUid, version: accessed.versionUid };
  const dataKey = keyring.unwrapDataKey(organizationKey, place, accessed.wrappedDataKey);
  return Object.fromEntries(
    accessed.entries.map(({ key, ciphertext }) => [key, openText(keyring, dataKey, key, ciphertext)]),
  );
}

function entriesNotFound(slug: string, asked: readonly string[], existing: readonly string[], scope: Scope) {
  const absent = asked.filter((key) => !existing.includes(key)).map((key) => `"${key}"`);
  return missing(
    'SECRET_ENTRY_NOT_FOUND',
    `secret "${slug}" has no entry ${absent.join(', ')}; it has: ${existing.join(', ')}`,
    {
      hint: `planton secret get ${slug}${environmentFlag(scope)}`,
      metadata: { slug, keys: existing.join(',') },
    },
  );
}
