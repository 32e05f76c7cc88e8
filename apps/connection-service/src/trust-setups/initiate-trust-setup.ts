import { createHash } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  InitiateAwsTrustSetupRequest,
  InitiateAwsTrustSetupResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import {
  asActor,
  duplicate,
  missing,
  type OrganizationCaller,
  organizationCallerOf,
  quota,
  stale,
  state,
  toDomainError,
} from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import { type ConnectionRow, slugOf } from '../connections/connection.ts';
import { findConnectionView, type OrganizationName, readApplyBase } from '../connections/connection-store.ts';
import { expectRoom } from '../connections/limit-connections.ts';
import type { Deps } from '../deps.ts';
import { checkRegion } from '../policies/policy.ts';
import { findPolicy, policyOf } from '../policies/policy-store.ts';
import { KIND } from '../providers/aws/aws.ts';
import { checkIdentity, principalOf, templateUrlOf } from './check-platform.ts';
import { describeSetup } from './describe-setup.ts';
import { findOwnedSecret, insertOwnedSecret, lockOwnedSecret } from './owned-secret-store.ts';
import { isSamePlan, nameSetup, otherAccountOf, planSetup, type SetupPlan } from './plan-setup.ts';
import { SETUP_KIND, type TrustSetup } from './trust-setup.ts';
import {
  addToken,
  countOpenSetups,
  countOpenSetupsInTurn,
  endSetup,
  findOpenSetup,
  insertSetup,
} from './trust-setup-store.ts';

type Response = MessageInitShape<typeof InitiateAwsTrustSetupResponseSchema>;

/** Open set-ups of an organisation at most. */
const MOST_OPEN = 20;
const ATTEMPTS = 5;
/** 256 bits. */
const TOKEN_BYTES = 32;

interface Initiation {
  readonly deps: Deps;
  readonly context: HandlerContext;
  readonly caller: OrganizationCaller;
  readonly plan: SetupPlan;
  /** As it was asked for: a name, or with `reconnect` a slug too. */
  readonly name: string;
}

/**
 * Begins a set-up, or takes up the open one that comes to the same. The operator's settings and the platform's identity come first, so
 * that nobody opens a console in vain. The secret is noted before it is minted, and the set-up is inserted after: a crash in between leaves
 * a secret that is retired later, and nothing else.
 */
export function initiateTrustSetup(deps: Deps) {
  return async (request: InitiateAwsTrustSetupRequest, context: HandlerContext): Promise<Response> => {
    await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const plan = planSetup(request, deps.trust, principalOf(deps.trust));
    const policy = policyOf(await findPolicy(deps.database.query, caller.membership.organization.uid));
    checkRegion(policy, plan.region, request.name);
    const initiation: Initiation = { deps, context, caller, plan, name: request.name };
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const response = await attemptInitiation(initiation);
      if (response) return response;
    }
    throw stale(
      'TRUST_SETUP_CONTENDED',
      `connection "${request.name}" is being set up by others at this moment`,
      {
        hint: 'try again in a moment',
      },
    );
  };
}

/** Undefined where someone else was faster. */
async function attemptInitiation(initiation: Initiation): Promise<Response | undefined> {
  const { deps, context, caller, plan } = initiation;
  const { organization } = caller.membership;
  const connection = await findConnection(initiation);
  const slug = connection?.slug ?? slugOf(initiation.name);
  const open = await findOpenSetup(deps.database.query, organization.uid, slug);
  const isOfThis = plan.reconnect ? open?.connection_uid === connection?.uid : true;
  const resumed = open && isOfThis && isSamePlan(open, plan) ? open : undefined;
  const templateUrl = plan.withoutStack ? '' : templateUrlOf(deps.trust);
  if (!open) {
    if ((await countOpenSetups(deps.database.query, organization.uid)) >= MOST_OPEN)
      throw tooMany(organization);
    if (!connection) await expectRoom(deps.database.query, organization);
  }
  const connectionUid = resumed?.connection_uid ?? connection?.uid ?? deps.newUid();
  await checkIdentity(deps, context, plan.principalArn, {
    connectionUid,
    connection: slug,
    organization,
    region: plan.region,
  });

  const secret = await mintExternalId(initiation, connectionUid, slug, resumed?.external_id_uid);
  if (!secret) return undefined;
  const token = deps.randomBytes(TOKEN_BYTES).toString('base64url');
  const setup = await store(initiation, { open, resumed, connection, connectionUid, slug, secret, token });
  if (!setup) return undefined;
  return describeSetup(setup, {
    externalId: secret.value,
    ...(setup.calls_back && { token }),
    settings: deps.trust,
    templateUrl,
    resumed: resumed !== undefined,
  });
}

function tooMany({ slug }: OrganizationName) {
  return quota('TOO_MANY_TRUST_SETUPS', `organisation "${slug}" has ${MOST_OPEN} set-ups that are open`, {
    hint: 'complete one, or wait until one expires: they are open for a day',
    metadata: { limit: String(MOST_OPEN) },
  });
}

/** The connection that gets a new role. Throws where there is one and none is expected, or the other way round. */
async function findConnection({ deps, caller, plan, name }: Initiation): Promise<ConnectionRow | undefined> {
  const { organization } = caller.membership;
  if (!plan.reconnect) {
    const slug = slugOf(name);
    const { view } = await readApplyBase(deps.database.query, organization.uid, slug);
    if (!view) return undefined;
    throw duplicate('CONNECTION_EXISTS', `connection "${slug}" exists already`, {
      hint: 'give it a new role with --reconnect, or give another --name',
      metadata: { connection: slug },
    });
  }
  const found = await findConnectionView(deps.database.query, organization, name);
  if (!found) {
    throw missing(
      'CONNECTION_NOT_FOUND',
      `organisation "${organization.slug}" has no connection ${JSON.stringify(name)}`,
      {
        hint: 'leave out --reconnect to make it; planton connection list shows those that there are',
        metadata: { organization: organization.slug, connection: name },
      },
    );
  }
  if (found.kind !== KIND) {
    throw state('CONNECTION_OF_ANOTHER_KIND', `connection "${found.slug}" is of kind ${found.kind}`, {
      hint: 'planton connection list',
    });
  }
  checkAccount(found, plan.accountId);
  return found;
}

function checkAccount(connection: ConnectionRow, accountId: string): void {
  const other = otherAccountOf(connection, accountId);
  if (other === undefined) return;
  throw state(
    'ACCOUNT_DIFFERS',
    `connection "${connection.slug}" is for account ${other}, not for ${accountId}`,
    {
      hint: `give --account-id ${other}, or make another connection for ${accountId}`,
      metadata: { connection: connection.slug },
    },
  );
}

interface ExternalId {
  readonly uid: string;
  readonly slug: string;
  readonly value: string;
}

/** The external ID of the connection: it has one for its life. Undefined where it was retired at this moment. */
async function mintExternalId(
  { deps, context, caller }: Initiation,
  connectionUid: string,
  slug: string,
  known: string | undefined,
): Promise<ExternalId | undefined> {
  const { organization } = caller.membership;
  const living = known ?? (await findOwnedSecret(deps.database.query, connectionUid))?.uid;
  const uid = living ?? deps.newUid();
  if (living === undefined) {
    await insertOwnedSecret(deps.database.query, {
      uid,
      organization_uid: organization.uid,
      connection_uid: connectionUid,
    });
  }
  try {
    const minted = await deps.configManager.mintOwnedSecret(
      {
        org: organization.slug,
        organizationUid: organization.uid,
        secretUid: uid,
        owner: { kind: KIND, uid: connectionUid, slug },
        slug: `${slug.slice(0, 63 - '-external-id'.length).replace(/-+$/, '')}-external-id`,
        purpose: `set-up of ${slug}`,
      },
      { contextValues: asActor(context) },
    );
    return { uid, slug: minted.slug, value: minted.value };
  } catch (thrown) {
    if (toDomainError(thrown)?.reason === 'SECRET_RETIRED') return undefined;
    throw thrown;
  }
}

interface Storing {
  readonly open: TrustSetup | undefined;
  readonly resumed: TrustSetup | undefined;
  readonly connection: ConnectionRow | undefined;
  readonly connectionUid: string;
  readonly slug: string;
  readonly secret: ExternalId;
  readonly token: string;
}

/** Undefined, with nothing written, where someone else was faster. */
async function store(initiation: Initiation, storing: Storing): Promise<TrustSetup | undefined> {
  const { deps, caller, plan } = initiation;
  const { open, resumed, secret, slug, token } = storing;
  const organizationUid = caller.membership.organization.uid;
  return deps.database.transact(async (tx) => {
    if (!(await lockOwnedSecret(tx, secret.uid, secret.slug))) return undefined;
    if (open && !resumed) {
      const message = 'it was replaced by another set-up of the same connection';
      if (!(await endSetup(tx, open.uid, { state: 'failed', message, causes: [] }))) return undefined;
      await recordAudit(
        tx,
        deps.newUid(),
        { organizationUid, caller },
        {
          action: 'trust_setup.fail',
          resource: { kind: SETUP_KIND, uid: open.uid, slug },
          outcome: 'failed',
          details: { reason: 'REPLACED', initiated_by: open.created_by },
        },
      );
    }
    const setup =
      resumed ??
      (await insertSetup(tx, newSetup(initiation, storing), {
        openFor: deps.setupPace.openFor,
        firstAttempt: deps.setupPace.unheard.first,
      }));
    if (!setup) return undefined;
    if (!open && (await countOpenSetupsInTurn(tx, organizationUid)) > MOST_OPEN)
      throw tooMany(caller.membership.organization);
    if (setup.calls_back) await addToken(tx, setup.uid, createHash('sha256').update(token).digest());
    await recordAudit(
      tx,
      deps.newUid(),
      { organizationUid, caller },
      {
        action: 'trust_setup.initiate',
        resource: { kind: SETUP_KIND, uid: setup.uid, slug },
        details: {
          account_id: plan.accountId,
          region: plan.region,
          role_name: setup.role_name,
          reconnect: String(plan.reconnect),
          resumed: String(resumed !== undefined),
        },
      },
    );
    return setup;
  });
}

function newSetup(
  { deps, caller, plan, name }: Initiation,
  { connection, connectionUid, slug, secret }: Storing,
) {
  const names = nameSetup(plan, slug, deps.randomBytes(8).toString('hex'));
  const { organization } = caller.membership;
  return {
    uid: deps.newUid(),
    organization_uid: organization.uid,
    organization_slug: organization.slug,
    connection_uid: connectionUid,
    connection_slug: slug,
    connection_name: connection?.name ?? name,
    reconnect: plan.reconnect,
    account_id: plan.accountId,
    region: plan.region,
    capabilities: plan.capabilities,
    permissions_boundary_arn: plan.permissionsBoundaryArn,
    without_stack: plan.withoutStack,
    calls_back: plan.callsBack,
    principal_arn: plan.principalArn,
    role_name: names.roleName,
    role_arn: names.roleArn,
    stack_name: names.stackName,
    external_id_uid: secret.uid,
    external_id_slug: secret.slug,
    external_id_hash: createHash('sha256').update(secret.value).digest(),
    state: 'pending',
    wait: plan.callsBack ? 'callback' : 'role',
    message: plan.withoutStack ? 'nothing was heard of the role yet' : 'nothing was heard of the stack yet',
    created_by: caller.subject.name,
  } as const;
}
