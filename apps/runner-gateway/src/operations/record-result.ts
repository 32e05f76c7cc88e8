import { setTimeout as sleep } from 'node:timers/promises';
import { toBinary, toJson } from '@bufbuild/protobuf';
import {
  OperationErrorSchema,
  OperationOutputSchema,
  SealedOutputSchema,
} from '@planton/api/runner/v1/operation';
import { AckDisposition, type Result } from '@planton/api/runner/v1/session';
import { isUnavailable, writeInBatches } from '@planton/database';
import type { Deps } from '../deps.ts';
import type { LiveSessions } from '../sessions/live-sessions.ts';
import type { Attempt, Session } from '../sessions/session.ts';
import { gatewayReasons, isFinal } from './operation.ts';
import { type AttemptResult, type RecordedResult, recordResults } from './operation-store.ts';
import type { Waits } from './waits.ts';

/** Characters of JSON that an output or error may have. */
const LARGEST_OUTPUT = 32 * 1024;
const LARGEST_BATCH = 256;
const RETRY_PAUSE_MS = 250;
/** Milliseconds that a session which handed an operation back is given no other. */
const HAND_BACK_PAUSE_MS = 1_000;

/** Thrown for a result that the protocol does not allow; the message goes to the runner. */
export class ResultRefused extends Error {}

export interface ResultRecorder {
  /**
   * Records how an attempt ended, acknowledges it once that is durable, and tells whoever waits. Resolves then, or once the session is
   * over: the runner sends the result again on its next one.
   *
   * @throws ResultRefused
   */
  record(session: Session, result: Result): Promise<void>;
  /** Gives an attempt back that was claimed for a session and not sent: the operation waits again. */
  giveBack(attempt: {
    readonly uid: string;
    readonly attempt: number;
    readonly instanceUid: string;
  }): Promise<void>;
  /** Ends an attempt whose payload cannot be read. */
  fail(
    attempt: { readonly uid: string; readonly attempt: number; readonly instanceUid: string },
    error: string,
  ): Promise<void>;
  idle(): Promise<void>;
}

/**
 * @param onRoom told that a session may have room again
 */
export function createResultRecorder(settings: {
  readonly deps: Pick<Deps, 'database' | 'wake' | 'replicaUid' | 'operationKinds' | 'logger' | 'monotonic'>;
  readonly live: LiveSessions;
  readonly waits: Waits;
  readonly onRoom: (session: Session) => void;
}): ResultRecorder {
  const { deps, live, waits, onRoom } = settings;
  const writer = writeInBatches<AttemptResult, RecordedResult | undefined>({
    write: (results) => recordResults(deps.database.query, results),
    largest: LARGEST_BATCH,
    concurrency: 2,
    keyOf: ({ uid }) => uid,
  });

  /** Writes it for as long as the runner waits for the acknowledgement. */
  const writeFor = async (session: Session, result: AttemptResult) => {
    for (;;) {
      try {
        return await writer.write(result);
      } catch (error) {
        if (!isUnavailable(error) || session.state.name === 'closed') throw error;
      }
      await sleep(RETRY_PAUSE_MS);
    }
  };
  const tell = (session: Session | undefined, row: RecordedResult, sealedOutput?: Uint8Array) => {
    const runner_slug = session?.pool?.organizationUid === '' ? '' : (session?.pool?.slug ?? '');
    if (row.state === 'queued') deps.wake.work(row.runner_uid);
    else if (waits.has(row.uid))
      waits.end(row.uid, { row: { ...row, runner_slug }, ...(sealedOutput ? { sealedOutput } : {}) });
    else deps.wake.ended(row.requester_replica_uid, row.uid);
  };
  const acknowledge = (session: Session, result: AttemptResult, disposition: AckDisposition) => {
    const { uid: operationUid, attempt } = result;
    session.send({ case: 'ack', value: { attempt: { operationUid, attempt }, disposition } });
  };

  const recordOwn = async (session: Session, attempt: Attempt, result: Result) => {
    // Sent twice in a row: the acknowledgement of the first answers both.
    if (attempt.reported) return;
    const item = readResult(result, attempt, deps.operationKinds.get(attempt.kind)?.needsResultKey ?? false);
    attempt.reported = true;
    if (attempt.stepsWritten) await attempt.stepsWritten;
    // Whoever waits here is given a sealed output at once; it is stored only for a caller of another replica.
    const waitsHere = waits.has(attempt.uid);
    const sealedOutput = item.sealedOutput ?? undefined;
    const row = await writeFor(session, waitsHere ? { ...item, sealedOutput: null } : item);
    live.removeAttempt(attempt);
    if (item.state === 'queued') session.pausedUntil = deps.monotonic() + HAND_BACK_PAUSE_MS;
    acknowledge(session, item, dispositionOf(row, item));
    if (row?.recorded) tell(session, row, sealedOutput);
    onRoom(session);
  };

  /** One that this session was not given: sent again after it was acknowledged, or made up. */
  const recordForeign = async (session: Session, result: Result) => {
    const { operationUid: uid = '', attempt = 0 } = result.attempt ?? {};
    const { instanceUid } = session;
    const item = { ...readResult(result, { uid, attempt, session }, undefined), uid, attempt, instanceUid };
    const row = await writeFor(session, item);
    const invented =
      !row ||
      attempt > row.attempt ||
      (attempt === row.attempt && (row.instance_uid ?? instanceUid) !== instanceUid);
    if (invented)
      throw new ResultRefused(
        `a result for attempt ${attempt} of operation ${uid}, which is not this instance's`,
      );
    acknowledge(session, item, dispositionOf(row, item));
    if (row.recorded) tell(session, row, item.sealedOutput ?? undefined);
  };
  const settle = async (item: AttemptResult) => {
    const row = await writer.write(item);
    if (row?.recorded) tell(live.ofInstance(item.instanceUid), row);
  };
  const nothing = { output: null, error: null, sealedOutput: null };

  return {
    record: async (session, result) => {
      const { operationUid = '', attempt = 0 } = result.attempt ?? {};
      const own = session.attemptOf(operationUid, attempt);
      try {
        if (own) await recordOwn(session, own, result);
        else await recordForeign(session, result);
      } catch (error) {
        if (session.state.name !== 'closed') throw error;
        deps.logger.debug(
          { error, operation: operationUid },
          'a result was not recorded; the runner sends it again',
        );
      }
    },
    giveBack: (attempt) => settle({ ...attempt, ...nothing, state: 'queued' }),
    fail: (attempt, error) => settle({ ...attempt, ...nothing, state: 'failed', error }),
    idle: () => writer.idle(),
  };
}

/**
 * @param secret whether the kind has a secret output; undefined where the kind is not known
 */
function readResult(
  { outcome, sealedOutput }: Result,
  attempt: Pick<Attempt, 'uid' | 'attempt' | 'session'> & Partial<Attempt>,
  secret: boolean | undefined,
): AttemptResult {
  const { uid, attempt: number, session, kind } = attempt;
  const base = {
    uid,
    attempt: number,
    instanceUid: session.instanceUid,
    output: null,
    error: null,
    sealedOutput: null,
  };
  const what = `the result of attempt ${number} of operation ${uid}`;
  if (sealedOutput && outcome.case !== 'succeeded')
    throw new ResultRefused(`${what} holds a sealed output and did not succeed`);
  if (outcome.case === 'succeeded') {
    const { case: name } = outcome.value.kind;
    if (!name || (kind !== undefined && name !== kind))
      throw new ResultRefused(
        `${what} is of the kind ${name ?? 'unknown'} instead of ${kind ?? 'a known one'}`,
      );
    if (secret !== undefined && secret !== (sealedOutput !== undefined))
      throw new ResultRefused(
        secret ? `${what} lacks its sealed output` : `${what} has a sealed output of its own`,
      );
    const output = JSON.stringify(toJson(OperationOutputSchema, outcome.value));
    if (output.length > LARGEST_OUTPUT) throw new ResultRefused(`${what} is too large`);
    const sealed = sealedOutput && Buffer.from(toBinary(SealedOutputSchema, sealedOutput));
    return { ...base, state: 'succeeded', output, sealedOutput: sealed ?? null };
  }
  if (outcome.case === 'failed') {
    const error = JSON.stringify(toJson(OperationErrorSchema, outcome.value));
    if (error.length > LARGEST_OUTPUT) throw new ResultRefused(`${what} is too large`);
    return { ...base, state: 'failed', error };
  }
  return { ...base, state: outcome.case === 'handedBack' ? 'queued' : 'cancelled' };
}

function dispositionOf(
  row: RecordedResult | undefined,
  { attempt, instanceUid }: AttemptResult,
): AckDisposition {
  if (row?.recorded) return AckDisposition.RECORDED;
  const same = row && isFinal(row.state) && row.attempt === attempt && row.instance_uid === instanceUid;
  return same && !endedByGateway(row) ? AckDisposition.DUPLICATE : AckDisposition.DISCARDED;
}

function endedByGateway({ error }: RecordedResult): boolean {
  const { reason } = Object(error) as { reason?: unknown };
  return gatewayReasons.some((own) => own === reason);
}
