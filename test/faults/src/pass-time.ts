import { openPostgres } from '@planton/database';

const setupTimes = [
  'create_time',
  'claim_time',
  'worked_time',
  'refused_time',
  'insecure_time',
  'expire_time',
  'next_attempt_time',
] as const;
const protectionTimes = ['probe_time', 'insecure_since'] as const;

/** What is touched of the server's tables, by their names. */
type Tables = {
  'connect.trust_setup': { uid: string } & Record<(typeof setupTimes)[number], Date>;
  'connect.connection_verification': { connection_uid: string } & Record<
    (typeof protectionTimes)[number],
    Date
  >;
};

/** Moves what a server remembers into the past, as if time had passed: what takes a day is there at once. */
export interface TimePasser {
  /** For a set-up, which is tried again when it would have been. */
  forSetup(uid: string, seconds: number): Promise<void>;
  /** For what is known of whom a connection keeps out. */
  forProtection(connectionUid: string, seconds: number): Promise<void>;
  close(): Promise<void>;
}

/** @param url of the server's PostgreSQL, as superuser */
export function passTime(url: string): TimePasser {
  const engine = openPostgres({ url, applicationName: 'pass-time', poolSize: 1 });
  const db = engine.kysely.withTables<Tables>();
  return {
    forSetup: async (uid, seconds) => {
      await db
        .updateTable('connect.trust_setup')
        .set((eb) => {
          const past = eb.fn<Date>('make_interval', [...Array(6).fill(eb.lit(0)), eb.val(seconds)]);
          return Object.fromEntries(setupTimes.map((column) => [column, eb(column, '-', past)]));
        })
        .where('uid', '=', uid)
        .execute();
    },
    forProtection: async (connectionUid, seconds) => {
      await db
        .updateTable('connect.connection_verification')
        .set((eb) => {
          const past = eb.fn<Date>('make_interval', [...Array(6).fill(eb.lit(0)), eb.val(seconds)]);
          return Object.fromEntries(protectionTimes.map((column) => [column, eb(column, '-', past)]));
        })
        .where('connection_uid', '=', connectionUid)
        .execute();
    },
    close: () => engine.close(),
  };
}
