import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  VerifyConnectionRequest,
  VerifyConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { organizationCallerOf, toDomainError } from '@planton/rpc';
import { type AuditOrigin, recordAudit } from '../audit/audit-store.ts';
import type { ConnectionView } from '../connections/connection.ts';
import { getConnectionView } from '../connections/connection-store.ts';
import type { Deps } from '../deps.ts';
import { emitEvents } from './emit-events.ts';
import { isProbeDue } from './protection.ts';
import { reachAsActor } from './reach-services.ts';
import { recordFinding } from './record-finding.ts';
import { runVerification, type Tell } from './run-verification.ts';
import { subjectOf } from './subject.ts';
import type { VerificationMessage } from './verification.ts';
import { findProtection } from './verification-store.ts';

type Response = MessageInitShape<typeof VerifyConnectionResponseSchema>;

/**
 * Verifies now, in the name of the caller, and sends each step. The result is stored and on record before it leaves; refusals, failures
 * and calls that the caller ends early are on record too. Several verifications of one connection at once know nothing of each other.
 */
export function verifyConnection(deps: Deps) {
  return (request: VerifyConnectionRequest, context: HandlerContext): AsyncIterable<Response> =>
    emitEvents<Response>(async (emit) => {
      const value = await verifyNow(deps, request, context, (step) =>
        emit({ event: { case: 'step', value: step } }),
      );
      emit({ event: { case: 'result', value } });
    });
}

async function verifyNow(
  deps: Deps,
  request: VerifyConnectionRequest,
  context: HandlerContext,
  tell: Tell,
): Promise<VerificationMessage> {
  const caller = organizationCallerOf(context);
  const { organization } = caller.membership;
  const origin: AuditOrigin = { organizationUid: organization.uid, caller };
  let connection: ConnectionView | undefined;
  try {
    await deps.scopeOf(context, '', { write: true });
    connection = await getConnectionView(deps.database.query, organization, request.connection);
    const subject = subjectOf(connection);
    const known = await findProtection(deps.database.query, connection.uid);
    const probe = isProbeDue(known, connection.revision);
    const finding = await runVerification(subject, reachAsActor(deps, context), probe, tell);
    return await recordFinding(deps, origin, subject, finding, { kind: 'request' });
  } catch (thrown) {
    const error = toDomainError(thrown);
    await recordAudit(deps.database.query, deps.newUid(), origin, {
      action: 'connection.verify',
      resource: connection ?? { kind: '', uid: '', slug: request.connection },
      version: connection?.revision ?? 0,
      outcome: error?.kind === 'denied' ? 'denied' : 'failed',
      details: {
        reason: error?.reason ?? (context.signal.aborted ? 'CANCELED' : 'INTERNAL'),
        trigger: 'request',
      },
    });
    throw thrown;
  }
}
