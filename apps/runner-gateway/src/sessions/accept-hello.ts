import { toJson } from '@bufbuild/protobuf';
import { durationFromMs, timestampFromMs } from '@bufbuild/protobuf/wkt';
import { HostFactsSchema } from '@planton/api/runner/v1/runner';
import { GatewayGoodbyeReason, type Hello } from '@planton/api/runner/v1/session';
import { writeInBatches } from '@planton/database';
import type { RequestOrigin } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import type { Dispatcher } from '../operations/dispatch.ts';
import type { Lease } from '../replicas/keep-lease.ts';
import { factsOf, type SessionEnder } from './end-sessions.ts';
import type { LiveSessions } from './live-sessions.ts';
import { lockReplaced } from './lock-replaced.ts';
import type { Session } from './session.ts';
import { nextState } from './session-state.ts';
import {
  type ListedAttempt,
  type OpenedSession,
  openSessions,
  type SessionRequest,
  type Verdict,
} from './session-store.ts';

/** Hellos that one statement answers. */
const LARGEST_BATCH = 128;
/** Milliseconds between two statements: what comes meanwhile shares the next. The embedded database plans each one anew. */
const GATHER_MS = { pglite: 40, postgres: 20 } as const;
/** Characters of JSON that the facts about a host may have. */
const LARGEST_HOST = 4 * 1024;

export const HEARTBEAT_INTERVAL_MS = 20_000;

export interface SessionLimits {
  /** Sessions of one registration, on all replicas. */
  readonly perRunner: number;
  /** Sessions of one replica, those that wait for their welcome included. */
  readonly perReplica: number;
}

export interface HelloAcceptor {
  /** Welcomes the session, or ends it with a goodbye that says why not. */
  accept(session: Session, hello: Hello, origin: RequestOrigin): Promise<void>;
  /** From now on every hello is sent elsewhere. */
  drain(): void;
}

type Refusal = readonly [reason: GatewayGoodbyeReason, message: string];

const refusals: Readonly<Record<Exclude<Verdict, 'open'>, Refusal>> = {
  unknown: [GatewayGoodbyeReason.REVOKED, 'this instance is not known any more; enrol anew'],
  revoked: [GatewayGoodbyeReason.REVOKED, 'this instance or its runner was revoked'],
  locked: [GatewayGoodbyeReason.LOCKED, 'this instance is locked: its key may be in two places; enrol anew'],
  replaced: [
    GatewayGoodbyeReason.LOCKED,
    'the certificate was replaced and its successor has been used: the instance is locked; enrol anew',
  ],
  too_many: [GatewayGoodbyeReason.TOO_MANY_SESSIONS, 'the runner has as many sessions as it may have'],
  isolated: [GatewayGoodbyeReason.UNAVAILABLE, 'this gateway is cut off from the others; connect again'],
};

/**
 * Answers hellos. Those that come at once share statements, few at a time and in the order in which they came, so that thousands of
 * runners that come back together are let in one after the other.
 */
export function createHelloAcceptor(settings: {
  readonly deps: Pick<
    Deps,
    'database' | 'wake' | 'replicaUid' | 'operationKinds' | 'logger' | 'newUid' | 'monotonic'
  >;
  readonly live: LiveSessions;
  readonly lease: Pick<Lease, 'state'>;
  readonly ender: SessionEnder;
  readonly dispatcher: Dispatcher;
  readonly limits: SessionLimits;
}): HelloAcceptor {
  const { deps, live, lease, ender, dispatcher, limits } = settings;
  const kindSets = new Map<string, ReadonlySet<string>>();
  let opening = 0;
  let draining = false;
  const writer = writeInBatches<SessionRequest, OpenedSession>({
    write: (requests) => openSessions(deps.database.query, deps.replicaUid, requests, limits.perRunner),
    largest: LARGEST_BATCH,
    concurrency: deps.database.engine.kind === 'pglite' ? 1 : 2,
    gatherMs: GATHER_MS[deps.database.engine.kind],
    keyOf: ({ instanceUid }) => instanceUid,
  });

  const refuse = (session: Session, [reason, message]: Refusal) =>
    ender.end(session, { by: 'gateway', reason, message });

  /** Sessions with the same kinds share one set. */
  const kindsOf = ({ kinds }: Hello): ReadonlySet<string> => {
    const names = [...deps.operationKinds.values()].filter(({ kind }) => kinds.includes(kind));
    const key = names.map(({ name }) => name).join();
    const known = kindSets.get(key) ?? new Set(names.map(({ name }) => name));
    kindSets.set(key, known);
    return known;
  };

  const admit = (
    session: Session,
    hello: Hello,
    attempts: readonly ListedAttempt[],
    opened: OpenedSession,
  ) => {
    const earlier = live.ofInstance(session.instanceUid);
    if (earlier) refuse(earlier, [GatewayGoodbyeReason.SUPERSEDED, SUPERSEDED]);
    session.maxInFlight = hello.maxInFlight;
    session.kinds = kindsOf(hello);
    session.state = nextState(session.state, { type: 'opened' });
    session.since = deps.monotonic();
    live.add(session, {
      runnerUid: opened.runner_uid,
      organizationUid: opened.organization_uid,
      slug: opened.runner_slug,
    });
    session.send({
      case: 'welcome',
      value: {
        sessionUid: session.uid,
        gatewayUid: deps.replicaUid,
        heartbeatInterval: durationFromMs(HEARTBEAT_INTERVAL_MS),
        renewAfterTime: timestampFromMs(renewAfter(session, opened.newest_generation)),
      },
    });
    if (attempts.length > 0) goOn(session, opened);
  };

  /** Takes over what the runner brought along. */
  const goOn = (session: Session, { adopted }: OpenedSession) => {
    const keep = adopted.map(({ uid: operationUid, attempt }) => ({ operationUid, attempt }));
    session.send({ case: 'reconcile', value: { keep } });
    for (const { uid, attempt, kind, requester_replica_uid, cancelled, left_ms, steps } of adopted) {
      live.addAttempt({
        uid,
        attempt,
        kind,
        session,
        requesterReplicaUid: requester_replica_uid,
        deadline: deps.monotonic() + left_ms,
        steps,
        cancelSent: cancelled,
        reported: false,
      });
      if (cancelled) session.send({ case: 'cancel', value: { attempt: { operationUid: uid, attempt } } });
    }
  };

  const tell = (
    { released, superseded_on, has_work, runner_uid, organization_uid }: OpenedSession,
    uid: string,
  ) => {
    for (const { uid: operation, state, requester_replica_uid } of released) {
      if (state === 'queued') deps.wake.work(runner_uid);
      else deps.wake.ended(requester_replica_uid, operation);
    }
    if (superseded_on !== null && superseded_on !== deps.replicaUid) deps.wake.superseded(uid);
    if (has_work) dispatcher.work(runner_uid);
    deps.wake.changed(organization_uid);
  };

  const open = async (session: Session, hello: Hello, origin: RequestOrigin): Promise<void> => {
    const host = JSON.stringify(hello.host ? toJson(HostFactsSchema, hello.host) : {});
    if (host.length > LARGEST_HOST)
      return refuse(session, [GatewayGoodbyeReason.PROTOCOL, 'the facts about the host are too large']);
    const attempts = attemptsOf(hello);
    await ender.settled(session.instanceUid);
    const opened = await writer.write({
      instanceUid: session.instanceUid,
      generation: session.generation,
      sessionUid: session.uid,
      maxInFlight: hello.maxInFlight,
      version: hello.version,
      host,
      attempts,
    });
    if (opened.verdict !== 'open') {
      if (opened.verdict === 'replaced') await lockReplaced(deps, session, origin);
      deps.logger.warn({ ...factsOf(session), verdict: opened.verdict }, 'a session was refused');
      return refuse(session, refusals[opened.verdict]);
    }
    if (draining) refuse(session, DRAINING);
    if (session.state.name === 'closed') ender.forget(session);
    else {
      admit(session, hello, attempts, opened);
      const { version, processUid } = hello;
      deps.logger.info({ ...factsOf(session), version, process: processUid }, 'session opened');
    }
    tell(opened, session.instanceUid);
  };

  return {
    accept: async (session, hello, origin) => {
      if (draining) return refuse(session, DRAINING);
      // A replica that is suspended finds out by trying: the statement needs the database.
      if (lease.state() === 'cut_off') return refuse(session, refusals.isolated);
      if (live.count + opening >= limits.perReplica)
        return refuse(session, [
          GatewayGoodbyeReason.TOO_MANY_SESSIONS,
          'this gateway has as many sessions as it takes',
        ]);
      opening += 1;
      try {
        await open(session, hello, origin);
      } catch (error) {
        deps.logger.warn({ ...factsOf(session), error }, 'a session could not be opened');
        refuse(session, [
          GatewayGoodbyeReason.UNAVAILABLE,
          'the session could not be taken down; connect again',
        ]);
      } finally {
        opening -= 1;
      }
    },
    drain: () => {
      draining = true;
    },
  };
}

const DRAINING: Refusal = [GatewayGoodbyeReason.SHUTDOWN, 'this gateway is about to end; connect again'];

export const SUPERSEDED =
  'another session of this instance was opened; a second process needs credentials of its own';

/** What the runner carries out and what it has results of, each once. */
function attemptsOf({ inFlight, unacknowledged }: Hello): ListedAttempt[] {
  const listed = [...inFlight, ...unacknowledged].map(({ operationUid: uid, attempt }) => ({ uid, attempt }));
  return [...new Map(listed.map((each) => [each.uid, each])).values()];
}

/** Half of the certificate's life; now, where it is not the newest one any more. */
function renewAfter({ connection, generation }: Session, newest: number): number {
  const { notBefore, notAfter } = connection.certificate;
  return generation < newest ? notBefore : (notBefore + notAfter) / 2;
}
