import { usage } from '../errors/cli-error.ts';
import type { Cli, Surroundings } from '../terminal/terminal.ts';
import { readConfig, writeConfig } from './config-home.ts';

/** What commands fall back to where neither a flag nor a variable says otherwise. */
export interface Context {
  readonly server?: string;
  /** Who works there, of those who signed in with a browser; whoever did last when absent. */
  readonly account?: string;
  readonly org?: string;
  readonly env?: string;
}

/** The contexts that have a name, and which of them is in use. */
export interface Contexts {
  readonly current?: string;
  readonly named: ReadonlyMap<string, Context>;
}

const file = 'context.json';
const defaultServer = 'http://127.0.0.1:8080';

/** The context in use: the settings at the top of the file, whether it has a name or not. */
export async function readContext(cli: Surroundings): Promise<Context> {
  return contextOf(await readConfig(cli, file));
}

export async function readContexts(cli: Surroundings): Promise<Contexts> {
  const { current, contexts } = await readConfig(cli, file);
  const named = new Map(
    Object.entries(Object(contexts)).map(([name, each]) => [name, contextOf(Object(each))]),
  );
  return typeof current === 'string' && named.has(current) ? { current, named } : { named };
}

/** Changes what is given of the context in use, also where it is kept by its name; an empty string removes the setting. */
export async function changeContext(cli: Surroundings, change: Context): Promise<Context> {
  const merged = { ...(await readContext(cli)), ...change };
  const context: Context = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
  const { current, named } = await readContexts(cli);
  await writeContexts(
    cli,
    context,
    current,
    current === undefined ? named : new Map(named).set(current, context),
  );
  return context;
}

/** Makes a context the one in use. It is made, or replaced, under that name. */
export async function takeContext(cli: Surroundings, name: string, context: Context): Promise<void> {
  const { named } = await readContexts(cli);
  await writeContexts(cli, context, name, new Map(named).set(name, context));
}

async function writeContexts(
  cli: Surroundings,
  context: Context,
  current: string | undefined,
  named: Contexts['named'],
): Promise<void> {
  const contexts = named.size > 0 ? { contexts: Object.fromEntries(named) } : {};
  await writeConfig(cli, file, { ...context, ...(current === undefined ? {} : { current }), ...contexts });
}

function contextOf(stored: Readonly<Record<string, unknown>>): Context {
  const text = (key: keyof Context) => {
    const value = stored[key];
    return typeof value === 'string' && value !== '' ? { [key]: value } : {};
  };
  return { ...text('server'), ...text('account'), ...text('org'), ...text('env') };
}

/** The server's URL without a trailing slash: flag, then variable, then context, then this machine. */
export async function serverOf(cli: Cli): Promise<string> {
  const given =
    cli.options().server || cli.env.PLANTON_SERVER || (await readContext(cli)).server || defaultServer;
  let url: URL;
  try {
    url = new URL(given);
  } catch {
    throw usage('the server is not a URL', `write it as ${defaultServer}`);
  }
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '')
    throw usage('the server has to be an http or https URL without a user', `write it as ${defaultServer}`);
  return `${url.origin}${url.pathname.replace(/\/+$/, '')}`;
}

/** The organisation that a flag, a variable or the context names. */
export async function givenOrganization(cli: Cli): Promise<string | undefined> {
  return cli.options().org || cli.env.PLANTON_ORG || (await readContext(cli)).org;
}

/** The environment for commands that use one by default: flag, then variable, then context. Empty for none. */
export async function environmentOf(cli: Cli, typed: string | undefined): Promise<string> {
  return typed ?? (cli.env.PLANTON_ENV || (await readContext(cli)).env || '');
}
