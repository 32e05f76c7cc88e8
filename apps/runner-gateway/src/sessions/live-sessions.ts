import type { Attempt, Pool, Session } from './session.ts';

/** What an opened session says of the registration that it belongs to. */
export type PoolFacts = Omit<Pool, 'sessions'>;

/** The sessions of this replica that were welcomed and have not ended, and what they carry out. */
export interface LiveSessions {
  readonly count: number;
  all(): Iterable<Session>;
  ofInstance(instanceUid: string): Session | undefined;
  ofRunner(runnerUid: string): readonly Session[];
  /** Uids of the runners that have a session here. */
  runners(): Iterable<string>;
  /** The registration of an organisation, if an instance of it is connected here. */
  findPool(organizationUid: string, slug: string): Pool | undefined;
  add(session: Session, facts: PoolFacts): void;
  remove(session: Session): void;
  /** The session with the least to do for its size that has room and carries out the kind. */
  pick(runnerUid: string, kind: string, now: number): Session | undefined;
  attempt(operationUid: string): Attempt | undefined;
  attempts(): Iterable<Attempt>;
  addAttempt(attempt: Attempt): void;
  removeAttempt(attempt: Attempt): void;
}

export function createLiveSessions(): LiveSessions {
  const byInstance = new Map<string, Session>();
  const pools = new Map<string, Pool>();
  /** By organisation and slug. */
  const named = new Map<string, Pool>();
  const attempts = new Map<string, Attempt>();

  const nameOf = ({ organizationUid, slug }: Pick<Pool, 'organizationUid' | 'slug'>) =>
    `${organizationUid}/${slug}`;
  const openPool = (facts: PoolFacts): Pool => {
    const known = pools.get(facts.runnerUid);
    if (known) return known;
    const { runnerUid, organizationUid, slug } = facts;
    const pool: Pool = { runnerUid, organizationUid, slug, sessions: [] };
    pools.set(runnerUid, pool);
    named.set(nameOf(pool), pool);
    return pool;
  };
  const closePool = (pool: Pool) => {
    pools.delete(pool.runnerUid);
    if (named.get(nameOf(pool)) === pool) named.delete(nameOf(pool));
  };

  return {
    get count() {
      return byInstance.size;
    },
    all: () => byInstance.values(),
    ofInstance: (instanceUid) => byInstance.get(instanceUid),
    ofRunner: (runnerUid) => pools.get(runnerUid)?.sessions ?? [],
    runners: () => pools.keys(),
    findPool: (organizationUid, slug) => named.get(nameOf({ organizationUid, slug })),
    add: (session, facts) => {
      const pool = openPool(facts);
      session.pool = pool;
      pool.sessions.push(session);
      byInstance.set(session.instanceUid, session);
    },
    remove: (session) => {
      if (byInstance.get(session.instanceUid) === session) byInstance.delete(session.instanceUid);
      const { pool } = session;
      const index = pool?.sessions.indexOf(session) ?? -1;
      if (!pool || index < 0) return;
      pool.sessions.splice(index, 1);
      if (pool.sessions.length === 0) closePool(pool);
      for (const attempt of session.attempts())
        if (attempts.get(attempt.uid) === attempt) attempts.delete(attempt.uid);
    },
    pick: (runnerUid, kind, now) => {
      let best: Session | undefined;
      for (const session of pools.get(runnerUid)?.sessions ?? []) {
        if (!session.kinds.has(kind) || session.room(now) <= 0) continue;
        if (!best || session.inFlight / session.maxInFlight < best.inFlight / best.maxInFlight)
          best = session;
      }
      return best;
    },
    attempt: (operationUid) => attempts.get(operationUid),
    attempts: () => attempts.values(),
    addAttempt: (attempt) => {
      attempts.set(attempt.uid, attempt);
      attempt.session.addAttempt(attempt);
    },
    removeAttempt: (attempt) => {
      if (attempts.get(attempt.uid) === attempt) attempts.delete(attempt.uid);
      attempt.session.removeAttempt(attempt);
    },
  };
}
