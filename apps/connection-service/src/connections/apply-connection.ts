import { setTimeout as sleep } from 'node:timers/promises';
import type { Message, MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type ApplyConnectionRequest,
  type ApplyConnectionResponseSchema,
  ApplyOutcome,
} from '@planton/api/connect/v1/connection_service';
import { invalid, type OrganizationCaller, organizationCallerOf, stale, type Violation } from '@planton/rpc';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { hideLostEnvironments } from '../environments/live-environments.ts';
import { checkRegion } from '../policies/policy.ts';
import { findPolicy, policyOf } from '../policies/policy-store.ts';
import type { Provider } from '../providers/provider.ts';
import { deliverOwnReferences } from '../references/deliver-references.ts';
import { runnersOfRow } from '../references/fence-store.ts';
import type { OutboxSet, Owner } from '../references/outbox-store.ts';
import { readVariables } from '../references/read-variables.ts';
import type { ReferenceUse } from '../references/reference.ts';
import { registerReferences } from '../references/register-references.ts';
import { neverVerified } from '../verification/verification.ts';
import { type ConnectionView, checkEtag, connectionMessage } from './connection.ts';
import { type ConnectionContent, commitConnection } from './connection-change-store.ts';
import { getConnectionView, readApplyBase } from './connection-store.ts';
import { checkSlug, type Draft, isUnchanged, readDraft, settleDraft } from './draft.ts';
import { expectRoom, limitConnections } from './limit-connections.ts';

type Response = MessageInitShape<typeof ApplyConnectionResponseSchema>;

/** How often an apply starts again because others changed the same connection. */
const ATTEMPTS = 40;
const LONGEST_PAUSE_MS = 100;

interface Application {
  readonly deps: Deps;
  readonly request: ApplyConnectionRequest;
  readonly context: HandlerContext;
  readonly caller: OrganizationCaller;
  readonly draft: Draft;
}

/**
 * Creates or updates a connection. References are registered before the transaction and confirmed after it, see
 * `references/`; without an etag the last writer wins, and every change gets its own revision.
 */
export function applyConnection(deps: Deps) {
  return async (request: ApplyConnectionRequest, context: HandlerContext): Promise<Response> => {
    await deps.scopeOf(context, '', { write: true });
    const caller = organizationCallerOf(context);
    const draft = readDraft(request.connection, caller.membership.organization.slug);
    const application = { deps, request, context, caller, draft };
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const response = await attemptApply(application);
      if (response) return response;
      await sleep(deps.random() * Math.min(LONGEST_PAUSE_MS, 5 * attempt));
    }
    throw stale(
      'CONNECTION_CONTENDED',
      `connection "${draft.slug}" is being changed by others all the time`,
      {
        hint: 'try again in a moment',
      },
    );
  };
}

/** Undefined where someone else was faster. */
async function attemptApply(application: Application): Promise<Response | undefined> {
  const { deps, request, context, caller, draft } = application;
  const { provider, slug, warnings } = draft;
  const { organization } = caller.membership;

  const { view, fence } = await readApplyBase(deps.database.query, organization.uid, slug);
  checkSlug(draft, view);
  checkEtag(request.etag, view, `connection "${slug}"`, `planton get ${provider.kind} ${slug}`);
  const { spec, content, storedSpec } = settleDraft(draft, view);
  if (view && isUnchanged(provider, content, spec, view, storedSpec) && hasItsRunner(provider, spec, view)) {
    return respond(deps, view, ApplyOutcome.UNCHANGED, warnings);
  }

  if (!view) await expectRoom(deps.database.query, organization);
  const uses = provider.referencesOf(spec);
  refuseViolations(provider.check(spec, new Map()));
  const variables = await readVariables(deps, context, organization.slug, uses);
  refuseViolations(provider.check(spec, variables));
  const policy = policyOf(await findPolicy(deps.database.query, organization.uid));
  checkRegion(policy, provider.regionOf(spec, variables), slug);
  const owner: Owner = { uid: view?.uid ?? deps.newUid(), kind: provider.kind, slug, organization };
  const referenceRevision = fence + 1;
  const runnerUid = await registerReferences(deps, context, {
    owner,
    revision: referenceRevision,
    uses,
    runner: provider.runnerOf(spec),
    validateOnly: request.validateOnly,
  });
  if (runnerUid === undefined) return undefined;
  const outcome = view ? ApplyOutcome.UPDATED : ApplyOutcome.CREATED;
  if (request.validateOnly) return respond(deps, preview(view, owner, content), outcome, warnings);

  const revision = await deps.database.transact(async (tx) => {
    const committedRevision = await commitConnection(tx, {
      owner,
      content,
      expectedRevision: view?.revision ?? 0,
      referenceRevision,
      runnerUid,
      confirm: [
        ...(uses.length > 0 || mayHoldReferences(provider, view, storedSpec) ? [referenceSet(uses)] : []),
        ...(runnerUid !== '' || (view && view.runner_uid !== '') ? [runnerSet(runnerUid)] : []),
      ],
      verifyAfterSeconds: deps.verification.afterChangeSeconds,
      by: caller.subject.name,
    });
    if (committedRevision === undefined) return undefined;
    if (!view) await limitConnections(tx, organization);
    await recordAudit(
      tx,
      deps.newUid(),
      { organizationUid: organization.uid, caller },
      {
        action: view ? 'connection.update' : 'connection.create',
        resource: owner,
        version: committedRevision,
        details: { provider: provider.name },
      },
    );
    return committedRevision;
  });
  if (revision === undefined) return undefined;
  await deliverOwnReferences(deps, owner.uid);
  return respond(deps, await getConnectionView(deps.database.query, organization, slug), outcome, warnings);
}

async function respond(
  deps: Deps,
  view: ConnectionView,
  outcome: ApplyOutcome,
  warnings: readonly string[],
): Promise<Response> {
  const [shown = view] = await hideLostEnvironments(deps, view.organization_uid, [view]);
  const connection = connectionMessage(shown);
  return { ...(connection && { connection }), outcome, warnings: [...warnings] };
}

/** What the connection would be; a new one has no uid, revision or times yet. */
function preview(view: ConnectionView | undefined, owner: Owner, content: ConnectionContent): ConnectionView {
  const blank = {
    uid: '',
    organization_uid: owner.organization.uid,
    organization_slug: owner.organization.slug,
    slug: owner.slug,
    revision: 0,
    reference_revision: 0,
    runner_uid: '',
    create_time: new Date(0),
    update_time: new Date(0),
    created_by: '',
    updated_by: '',
    defaults: [],
    environments: [],
    scope: null,
    ...neverVerified,
  };
  return { ...(view ?? blank), ...content };
}

function refuseViolations(violations: readonly Violation[]): void {
  if (violations.length === 0) return;
  throw invalid('SPEC_INVALID', violations.map(({ field, message }) => `${field}: ${message}`).join('; '), {
    violations,
  });
}

function referenceSet(uses: readonly ReferenceUse[]): OutboxSet {
  return { target: 'config', references: uses.map(({ reference }) => reference) };
}

function runnerSet(runnerUid: string): OutboxSet {
  return { target: 'runner', runnerUids: runnersOfRow({ runner_uid: runnerUid }) };
}

/** A runner that the spec names and that was never registered has to be. */
function hasItsRunner(provider: Provider, spec: Message, { runner_uid }: ConnectionView): boolean {
  return provider.runnerOf(spec) === '' || runner_uid !== '';
}

/** Whether something is registered that the change may have to release; a stored spec that cannot be read may refer to anything. */
function mayHoldReferences(
  provider: Provider,
  view: ConnectionView | undefined,
  storedSpec: Message | undefined,
): boolean {
  if (!view) return false;
  return storedSpec === undefined || provider.referencesOf(storedSpec).length > 0;
}
