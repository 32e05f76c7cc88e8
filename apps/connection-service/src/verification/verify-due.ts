import type { Caller } from '@planton/rpc';
import { toDomainError } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { pauseAfterFailure } from './pace.ts';
import { isProbeDue } from './protection.ts';
import { reachAsService } from './reach-services.ts';
import { recordFinding } from './record-finding.ts';
import { runVerification } from './run-verification.ts';
import { subjectOf } from './subject.ts';
import { type DueConnection, findProtection, postponeVerification } from './verification-store.ts';

const NAME = 'connection-service';

/**
 * Verifies a connection that was claimed, in the service's own name. Never rejects: whatever goes wrong is logged, and the connection is
 * tried again after a pause that grows with every attempt. Where `signal` ends it, its claim runs out and another replica takes it.
 */
export async function verifyDue(deps: Deps, due: DueConnection, signal: AbortSignal): Promise<void> {
  const { attempts, ...connection } = due;
  try {
    const subject = subjectOf(connection);
    const known = await findProtection(deps.database.query, connection.uid);
    const probe = isProbeDue(known, connection.revision);
    const finding = await runVerification(subject, reachAsService(deps, signal), probe, () => {});
    const origin = { organizationUid: connection.organization_uid, caller: ownCaller(deps) };
    await recordFinding(deps, origin, subject, finding, { kind: 'schedule', attempts });
  } catch (error) {
    if (!signal.aborted) await putOff(deps, due, error);
  }
}

/** The audit names the service where nobody asked. */
function ownCaller({ newUid }: Deps): Caller {
  const subject = { kind: 'service', uid: NAME, name: NAME, instanceOwner: false } as const;
  return { subject, requestId: newUid(), peerAddress: '' };
}

async function putOff(deps: Deps, { uid, revision, attempts }: DueConnection, error: unknown): Promise<void> {
  const facts = { connection: uid, attempts, error };
  // One that cannot be verified as it stands, such as one of a newer release, is no trouble of this server.
  if (toDomainError(error)?.kind === 'state') deps.logger.debug(facts, 'connection not verified');
  else deps.logger.warn(facts, 'connection not verified');
  const seconds = pauseAfterFailure(deps.verification, attempts, deps.random());
  try {
    await postponeVerification(deps.database.query, uid, revision, { seconds, attempts: attempts + 1 });
  } catch (failed) {
    deps.logger.warn({ connection: uid, error: failed }, 'the next verification was not put off');
  }
}
