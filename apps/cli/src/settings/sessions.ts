import type { Surroundings } from '../terminal/terminal.ts';
import { readConfig, writeConfig } from './config-home.ts';

/** What a sign-in with a browser left here: for an account, at a server. */
export interface StoredSession {
  readonly account: string;
  readonly access: string;
  /** Milliseconds since the epoch. */
  readonly accessEnd: number;
  readonly refresh: string;
}

interface ServerSessions {
  /** The account that commands use; none where an API key was stored later. */
  readonly current?: string;
  readonly accounts: ReadonlyMap<string, StoredSession>;
}

const file = 'sessions.json';

/** The session that commands use at a server: of that account, else of whoever signed in last. */
export async function readSession(
  cli: Surroundings,
  server: string,
  account?: string,
): Promise<StoredSession | undefined> {
  const found = (await readSessions(cli)).get(server);
  const wanted = account || found?.current;
  return wanted === undefined ? undefined : found?.accounts.get(wanted);
}

/** Stores a session, which commands use from now on. */
export async function storeSession(
  cli: Surroundings,
  server: string,
  session: StoredSession,
  makeCurrent = true,
): Promise<void> {
  await change(cli, server, (before) => ({
    ...(makeCurrent ? { current: session.account } : currentOf(before)),
    accounts: new Map([...before.accounts, [session.account, session]]),
  }));
}

/** Forgets a session. */
export async function removeSession(cli: Surroundings, server: string, account: string): Promise<void> {
  await change(cli, server, (before) => ({
    ...(before.current === account ? {} : currentOf(before)),
    accounts: new Map([...before.accounts].filter(([each]) => each !== account)),
  }));
}

/** Leaves the sessions of a server where they are, and commands use its API key. */
export async function setSessionsAside(cli: Surroundings, server: string): Promise<void> {
  if ((await readSessions(cli)).has(server)) await change(cli, server, ({ accounts }) => ({ accounts }));
}

function currentOf({ current }: ServerSessions): { readonly current?: string } {
  return current === undefined ? {} : { current };
}

async function change(
  cli: Surroundings,
  server: string,
  to: (before: ServerSessions) => ServerSessions,
): Promise<void> {
  const all = await readSessions(cli);
  const after = to(all.get(server) ?? { accounts: new Map() });
  if (after.accounts.size === 0) all.delete(server);
  else all.set(server, after);
  const servers = [...all].map(([url, { accounts, ...rest }]) => [
    url,
    {
      ...rest,
      accounts: Object.fromEntries([...accounts].map(([name, { account: _, ...kept }]) => [name, kept])),
    },
  ]);
  await writeConfig(cli, file, { servers: Object.fromEntries(servers) });
}

async function readSessions(cli: Surroundings): Promise<Map<string, ServerSessions>> {
  const { servers } = await readConfig(cli, file);
  return new Map(
    Object.entries(Object(servers)).map(([server, value]) => [server, sessionsOf(Object(value))]),
  );
}

function sessionsOf(value: { readonly current?: unknown; readonly accounts?: unknown }): ServerSessions {
  const accounts = Object.entries(Object(value.accounts)).flatMap(([account, each]) => {
    const { access, accessEnd, refresh } = Object(each);
    const whole = typeof access === 'string' && typeof accessEnd === 'number' && typeof refresh === 'string';
    return whole ? [[account, { account, access, accessEnd, refresh }] as const] : [];
  });
  const { current } = value;
  return { ...(typeof current === 'string' ? { current } : {}), accounts: new Map(accounts) };
}
