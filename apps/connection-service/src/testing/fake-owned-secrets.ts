import { createHash } from 'node:crypto';
import type {
  MintOwnedSecretRequest,
  SetReferencesRequest,
} from '@planton/api/config/v1/config_manager_service';
import type { Reference } from '@planton/api/config/v1/reference';
import { denied, missing, state } from '@planton/rpc';
import type { FakeConfigManager } from './fake-config-manager.ts';
import { never } from './fake-owners.ts';

type Fake = Pick<FakeConfigManager, 'secrets' | 'organizations' | 'owned' | 'purposes'>;

/** What was minted, also once it is retired. */
export interface OwnedSecret {
  readonly org: string;
  readonly slug: string;
  readonly value: string;
  readonly organizationUid: string;
  readonly ownerUid: string;
  readonly service: string;
  retired: boolean;
}

/** The value is told by the uid, so that a test can tell which is which. */
export function mint(fake: Fake, request: MintOwnedSecretRequest, service: string) {
  const { organizationUid, secretUid, owner, purpose } = request;
  const ownerUid = owner?.uid ?? never();
  fake.purposes.push(purpose);
  const known = fake.owned.get(secretUid);
  if (known) {
    const same = known.organizationUid === organizationUid && known.ownerUid === ownerUid;
    if (!same || known.service !== service) throw denied('SECRET_UID_TAKEN', 'belongs to another');
    if (known.retired) throw state('SECRET_RETIRED', 'retired');
    return { slug: known.slug, value: known.value, created: false };
  }
  const org = fake.organizations.get(organizationUid) ?? never();
  const value = createHash('sha256').update(secretUid).digest('hex');
  const taken = fake.secrets.has(`${org}/${request.slug}`);
  const slug = taken ? `${request.slug.slice(0, 54).replace(/-$/, '')}-${value.slice(0, 8)}` : request.slug;
  fake.owned.set(secretUid, { org, slug, value, organizationUid, ownerUid, service, retired: false });
  fake.secrets.set(`${org}/${slug}`, { value });
  return { slug, value, created: true };
}

/** Whether it is retired is for the caller to look at. */
export function findOwned(
  fake: Fake,
  asked: { readonly organizationUid: string; readonly secretUid: string; readonly ownerUid: string },
  service: string,
): OwnedSecret {
  const secret = fake.owned.get(asked.secretUid);
  if (
    secret?.organizationUid !== asked.organizationUid ||
    secret.ownerUid !== asked.ownerUid ||
    secret.service !== service
  ) {
    throw missing('OWNED_SECRET_NOT_FOUND', 'no such secret of this owner');
  }
  return secret;
}

/** The living server-owned secret that a reference names, whoever it is of. */
export function ownedTarget(fake: Fake, { organizationUid }: SetReferencesRequest, { target }: Reference) {
  const named = target.case === 'secret' ? target.value.slug : undefined;
  return [...fake.owned.values()].find(
    (secret) => !secret.retired && secret.organizationUid === organizationUid && secret.slug === named,
  );
}

export function isOwn(
  fake: Fake,
  request: SetReferencesRequest,
  service: string,
  reference: Reference,
): boolean {
  const secret = ownedTarget(fake, request, reference);
  return secret?.ownerUid === request.owner?.uid && secret?.service === service;
}
