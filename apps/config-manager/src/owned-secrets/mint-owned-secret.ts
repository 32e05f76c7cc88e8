import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  MintOwnedSecretRequest,
  MintOwnedSecretResponseSchema,
} from '@planton/api/config/v1/config_manager_service';
import type { Owner } from '@planton/api/config/v1/reference';
import { type Caller, invalid, unavailable } from '@planton/rpc';
import type { Transaction } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { type OrganizationKeys, withOrganizationKeys } from '../keys/open-organization-keys.ts';
import type { ConfigTables } from '../schema.ts';
import { sealVersion } from '../secrets/seal-version.ts';
import { type StoredSecret, secretRetired } from '../secrets/secret.ts';
import { addVersion } from '../secrets/secret-store.ts';
import { organizationServiceOf } from '../service-caller.ts';
import { type OwnedValue, openOwnedSecret } from './open-owned-secret.ts';
import { isOwnedBy, type SecretOwner, secretUidTaken, suffixSlug, VALUE_KEY } from './owned-secret.ts';
import { insertOwnedSecret, lockSecretByUid } from './owned-secret-store.ts';

type Tx = Transaction<ConfigTables>;

const VALUE_BYTES = 32;
const SUFFIX_BYTES = 4;
/** Slugs that are tried: the wanted one, and some with a suffix. */
const SLUGS = 5;

interface Minting {
  readonly secretUid: string;
  readonly slug: string;
  readonly owner: SecretOwner;
  readonly object: Owner;
  readonly caller: Caller;
  readonly purpose: string;
}

/**
 * The uid decides: whoever comes first makes the secret, and every other call, at once or later, reads what was made.
 *
 * @throws `SECRET_UID_TAKEN`, `SECRET_RETIRED`, `SECRET_CONTENDED`
 */
export function mintOwnedSecret(deps: Deps) {
  return async (
    request: MintOwnedSecretRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof MintOwnedSecretResponseSchema>> => {
    const minting = readRequest(request, context);
    const { secretUid, owner } = minting;
    const outcome = await withOrganizationKeys(deps, owner.organizationUid, (keys) =>
      deps.database.transact((tx) => findOrMake(deps, tx, minting, keys)),
    );
    if ('made' in outcome) return { ...outcome.made, created: true };

    const opened = await openOwnedSecret(deps, secretUid, owner, minting);
    // It lived a moment ago, so it was retired in between.
    if (!opened) throw secretRetired(outcome.found);
    return { ...opened, created: false };
  };
}

function readRequest(request: MintOwnedSecretRequest, context: HandlerContext): Minting {
  const { organizationUid, secretUid, owner: object, slug, purpose } = request;
  if (!object) throw invalid('VALIDATION_FAILED', 'owner: has to be named');
  // The uids of secrets are places in lists, which are of these characters.
  if (!/^[\w-]+$/.test(secretUid)) {
    throw invalid('VALIDATION_FAILED', 'secret_uid: may hold letters, digits, _ and - alone');
  }
  const { service, caller } = organizationServiceOf(context, organizationUid);
  const owner = { organizationUid, service, ownerUid: object.uid };
  return { secretUid, slug, owner, object, caller, purpose };
}

type Outcome = { readonly made: OwnedValue } | { readonly found: StoredSecret };

async function findOrMake(deps: Deps, tx: Tx, minting: Minting, keys: OrganizationKeys): Promise<Outcome> {
  const { secretUid, owner, object } = minting;
  for (let attempt = 0; attempt < SLUGS; attempt++) {
    const found = await lockSecretByUid(tx, secretUid);
    if (found) {
      if (!isOwnedBy(found, owner)) throw secretUidTaken(secretUid);
      if (found.delete_time !== null) throw secretRetired(found);
      return { found };
    }
    const slug = attempt === 0 ? minting.slug : suffixSlug(minting.slug, randomHex(deps, SUFFIX_BYTES));
    const made = await insertOwnedSecret(tx, { uid: secretUid, slug, owner, ownerKind: object.kind });
    if (made) return { made: { slug, value: await giveValue(deps, tx, made, minting, keys) } };
  }
  throw unavailable('SECRET_CONTENDED', `every slug like "${minting.slug}" that was tried is taken`, {
    hint: 'try again',
  });
}

/** The value leaves with the answer, so the read is put on record with the making. */
async function giveValue(
  deps: Deps,
  tx: Tx,
  secret: StoredSecret,
  { owner, object, caller, purpose }: Minting,
  keys: OrganizationKeys,
): Promise<string> {
  const value = randomHex(deps, VALUE_BYTES);
  const uid = deps.newUid();
  const place = { organization: owner.organizationUid, secret: secret.uid, version: uid };
  const sealed = sealVersion(deps.keyring, keys, place, new Map([[VALUE_KEY, value]]));
  const version = 1;
  await addVersion(tx, secret, { uid, version, sealed, createdBy: caller.subject.name });
  const resource = { kind: 'secret', uid: secret.uid, slug: secret.slug };
  await recordAudit(tx, owner.organizationUid, caller, [
    {
      action: 'secret.mint',
      resource,
      version,
      purpose,
      details: { owner_kind: object.kind, owner_slug: object.slug, owner_uid: object.uid },
    },
    {
      action: 'secret.access',
      resource,
      version,
      purpose,
      details: { entries: VALUE_KEY, owner_uid: object.uid },
    },
  ]);
  return value;
}

/** The bytes are overwritten. */
function randomHex({ randomBytes }: Deps, size: number): string {
  const bytes = randomBytes(size);
  try {
    return bytes.toString('hex');
  } finally {
    bytes.fill(0);
  }
}
