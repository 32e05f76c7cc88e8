import type { Message } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { OperationState } from '@planton/api/runner/v1/operation';
import { asActor, internal, type Scope } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { runOnPlatform } from '../operations/run-on-platform.ts';
import type { CredentialsPlan, OpenedSession, Provider, SessionOrder } from '../providers/provider.ts';
import type { FieldValues } from '../references/reference.ts';
import { resolveReferences } from '../references/resolve-references.ts';
import type { ResolvedConnection } from '../resolution/resolution-store.ts';
import { createScrub } from '../verification/scrub-text.ts';
import { askAsActor } from './ask-as-actor.ts';
import { explainThrown, failureOf, type OperationSubject } from './conclude-operation.ts';
import { makeResultKey } from './make-result-key.ts';

/** A session that nobody has opened yet. */
export interface UnopenedSession {
  readonly connection: ResolvedConnection;
  readonly provider: Provider;
  readonly spec: Message;
  readonly plan: Extract<CredentialsPlan, { from: 'session' }>;
  /** The values of `plan.uses`. */
  readonly resolved: FieldValues;
  readonly scope: Scope;
  readonly order: SessionOrder;
  readonly purpose: string;
}

/**
 * Has the platform runner open a session, in the name of the actor of `context`. It goes on where the caller leaves: others may wait for
 * it. What is secret is in memory alone.
 *
 * Throws as `failureOf` says, whatever reading the references throws, and `SESSION_NOT_UNDERSTOOD`.
 */
export async function openSession(
  deps: Pick<Deps, 'configManager' | 'runners' | 'now'>,
  context: HandlerContext,
  session: UnopenedSession,
): Promise<OpenedSession> {
  const { connection, provider, spec, plan, order, scope, purpose } = session;
  const ask = askAsActor(deps, context, { org: scope.organization.slug, ownerUid: connection.uid, purpose });
  let scrub = createScrub([]);
  const subject = (): OperationSubject => ({
    provider,
    connection: connection.slug,
    offlineHint: plan.offlineHint,
    scrub,
  });
  try {
    const fixed = await resolveReferences(connection.slug, plan.fixedUses, ask);
    scrub = createScrub(fixed.values());
    const resolved = new Map([...session.resolved, ...fixed]);
    const input = provider.buildSession(spec, resolved, order);
    const key = await makeResultKey();
    const { operation, sealedOutput } = await runOnPlatform(
      deps,
      {
        organization: scope.organization,
        connectionUid: connection.uid,
        connection: connection.slug,
        input,
        purpose,
        resultPublicKey: key.publicKey,
      },
      { actor: asActor(context) },
    );
    if (operation.state !== OperationState.SUCCEEDED) throw failureOf(operation, subject());
    if (!sealedOutput)
      throw internal('OUTPUT_MISSING', `operation ${operation.uid} ended without its output`);
    const secret = await key.open(sealedOutput, { operationUid: operation.uid, attempt: operation.attempt });
    try {
      return provider.readSession(spec, resolved, { output: operation.output, secret }, deps.now());
    } finally {
      secret.fill(0);
    }
  } catch (thrown) {
    throw explainThrown(thrown, subject());
  }
}
