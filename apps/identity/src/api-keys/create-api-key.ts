import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { Permission } from '@planton/api/common/v1/access';
import type {
  CreateApiKeyRequest,
  CreateApiKeyResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { Role } from '@planton/api/identity/v1/organization';
import {
  denied,
  duplicate,
  hasPermission,
  invalid,
  type OrganizationCaller,
  organizationCallerOf,
  quota,
  unauthenticated,
} from '@planton/rpc';
import type { Kysely } from 'kysely';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { authorizeGrant, readActor } from '../members/authorize-grant.ts';
import { findGrant, type Grant } from '../members/member-store.ts';
import { resolveGrant } from '../members/resolve-grant.ts';
import { lockOrganization } from '../organizations/organization-store.ts';
import type { IdentityTables } from '../schema.ts';
import { addServiceAccount } from '../service-accounts/add-service-account.ts';
import { serviceAccountMissing } from '../service-accounts/service-account-message.ts';
import { findServiceAccount } from '../service-accounts/service-account-store.ts';
import { lockSubject } from '../subjects/subject-store.ts';
import { apiKeyMessage } from './api-key-message.ts';
import { countLivingKeys, findKeys, insertApiKey } from './api-key-store.ts';
import { mintKey, tracesOf } from './mint-key.ts';

const LIVING_KEYS_AT_MOST = 100;

/**
 * Creates a key: the caller's own, that of a service account which is named, or with a role one of the service account of the key's
 * name, which is made when there is none. The key leaves in this answer and nowhere else.
 *
 * Throws `PERMISSION_DENIED`, `ROLE_NOT_INCLUDED`, `ENVIRONMENT_NOT_COVERED`, `ENVIRONMENT_NOT_FOUND`, `OWNER_LIMITED`,
 * `SERVICE_ACCOUNT_NOT_FOUND`, `SERVICE_ACCOUNT_EXISTS` when it has another role, `API_KEY_LIMIT`.
 */
export function createApiKey({ database, newUid, randomBytes }: Deps) {
  return async (
    request: CreateApiKeyRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof CreateApiKeyResponseSchema>> => {
    const caller = organizationCallerOf(context);
    const { organization } = caller.membership;
    const { name, lifetime } = request;
    checkRequest(request, caller);
    const key = mintKey(randomBytes);
    const traces = tracesOf(key);
    const uid = newUid();

    const apiKey = await database.transact(async (tx) => {
      const subjectUid = await chooseSubject(tx, caller, request, newUid);
      const subject = await lockSubject(tx, subjectUid);
      if (!subject || subject.disable_time !== null) {
        throw unauthenticated('SUBJECT_GONE', 'the caller does not exist any more');
      }
      if ((await countLivingKeys(tx, subjectUid)) >= LIVING_KEYS_AT_MOST) {
        throw quota('API_KEY_LIMIT', `nobody holds more than ${LIVING_KEYS_AT_MOST} API keys at a time`, {
          hint: 'planton api-key revoke KEY',
          metadata: { limit: String(LIVING_KEYS_AT_MOST) },
        });
      }
      await insertApiKey(tx, { uid, subjectUid, name }, traces, lifetime && Number(lifetime.seconds));
      await recordAudit(tx, organization.uid, caller, {
        action: 'api_key.create',
        resource: { kind: 'api_key', uid, slug: name },
        details: { subject_uid: subjectUid },
      });
      const view = { organizationUid: organization.uid, subjectUid, serviceAccounts: false };
      return (await findKeys(tx, view, uid)).find((each) => each.uid === uid);
    });
    return { key, ...(apiKey && { apiKey: apiKeyMessage(apiKey) }) };
  };
}

function checkRequest(
  { role, environments, serviceAccount }: CreateApiKeyRequest,
  { membership }: OrganizationCaller,
): void {
  if (role === Role.UNSPECIFIED && serviceAccount === '') {
    if (environments.length === 0) return;
    throw invalid('ENVIRONMENTS_WITHOUT_ROLE', 'a key of your own covers what your role covers', {
      hint: 'name a role to make a key of a service account, which can be limited to environments',
      violations: [{ field: 'environments', message: 'needs a role' }],
    });
  }
  if (hasPermission(membership, Permission.SERVICE_ACCOUNT_MANAGE)) return;
  throw denied(
    'PERMISSION_DENIED',
    `your role ${membership.role} in ${membership.organization.slug} does not include service_account_manage, which a key of a service account needs`,
    { hint: 'leave role and service account out to make a key of your own' },
  );
}

async function chooseSubject(
  tx: Kysely<IdentityTables>,
  caller: OrganizationCaller,
  request: CreateApiKeyRequest,
  newUid: () => string,
): Promise<string> {
  if (request.serviceAccount !== '') return findOwnServiceAccount(tx, caller, request.serviceAccount);
  if (request.role !== Role.UNSPECIFIED) return openServiceAccount(tx, caller, request, newUid);
  return caller.subject.uid;
}

/** A service account that the caller may act through: its rights are no more than the caller's. */
async function findOwnServiceAccount(
  tx: Kysely<IdentityTables>,
  caller: OrganizationCaller,
  slug: string,
): Promise<string> {
  const { organization } = caller.membership;
  await lockOrganization(tx, organization.uid);
  const actor = await readActor(tx, caller, Permission.SERVICE_ACCOUNT_MANAGE);
  const found = await findServiceAccount(tx, organization.uid, slug);
  const grant = found && (await findGrant(tx, organization.uid, found));
  if (!found || !grant) throw serviceAccountMissing(slug, organization.slug);
  authorizeGrant(actor, grant, `making a key of a service account with the role ${grant.role}`);
  return found;
}

/** The service account of the key's name, with exactly the grant that was asked for. */
async function openServiceAccount(
  tx: Kysely<IdentityTables>,
  caller: OrganizationCaller,
  { name, role, environments }: CreateApiKeyRequest,
  newUid: () => string,
): Promise<string> {
  const { organization } = caller.membership;
  await lockOrganization(tx, organization.uid);
  const actor = await readActor(tx, caller, Permission.SERVICE_ACCOUNT_MANAGE);
  const grant = await resolveGrant(tx, actor, organization, role, environments);
  authorizeGrant(actor, grant, `giving the role ${grant.role}`);

  const found = await findServiceAccount(tx, organization.uid, name);
  if (found === undefined) {
    const uid = newUid();
    await addServiceAccount(tx, caller, { uid, slug: name }, grant);
    return uid;
  }
  const current = await findGrant(tx, organization.uid, found);
  if (current && sameGrant(current, grant)) return found;
  throw duplicate(
    'SERVICE_ACCOUNT_EXISTS',
    `service account "${name}" exists already, with another role or other environments than asked for`,
    { hint: 'choose another name, or ask for the role that it has', metadata: { slug: name } },
  );
}

function sameGrant(a: Grant, b: Grant): boolean {
  const key = ({ role, environments }: Grant) =>
    JSON.stringify([role, environments === 'all' ? 'all' : [...environments].sort()]);
  return key(a) === key(b);
}
