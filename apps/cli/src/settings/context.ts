import { usage } from '../errors/cli-error.ts';
import type { Cli, Surroundings } from '../terminal/terminal.ts';
import { readConfig, writeConfig } from './config-home.ts';

/** What commands fall back to where neither a flag nor a variable says otherwise. */
export interface Context {
  readonly server?: string;
  readonly org?: string;
  readonly env?: string;
}

const file = 'context.json';
const defaultServer = 'http://127.0.0.1:8080';

export async function readContext(cli: Surroundings): Promise<Context> {
  const stored = await readConfig(cli, file);
  const text = (key: keyof Context) => {
    const value = stored[key];
    return typeof value === 'string' && value !== '' ? { [key]: value } : {};
  };
  return { ...text('server'), ...text('org'), ...text('env') };
}

/** Changes what is given; an empty string removes the setting. */
export async function changeContext(cli: Surroundings, change: Context): Promise<Context> {
  const merged = { ...(await readContext(cli)), ...change };
  const context = Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''));
  await writeConfig(cli, file, context);
  return context;
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
