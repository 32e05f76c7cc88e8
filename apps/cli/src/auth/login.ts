import { readFile } from 'node:fs/promises';
import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { chooseBrowser } from '../browser/choose-browser.ts';
import { usage } from '../errors/cli-error.ts';
import type { Tokens } from '../session/ask-for-tokens.ts';
import { sessionWith } from '../session/open-session.ts';
import { sessionFrom } from '../session/session-credential.ts';
import { storeApiKey } from '../settings/api-keys.ts';
import { changeContext, readContext, serverOf } from '../settings/context.ts';
import { setSessionsAside, storeSession } from '../settings/sessions.ts';
import { readHidden } from '../terminal/read-hidden.ts';
import { decodeUtf8 } from '../terminal/read-stdin.ts';
import { type Cli, say, warn } from '../terminal/terminal.ts';
import { signInByBrowser } from './sign-in-by-browser.ts';
import { signInByDevice } from './sign-in-by-device.ts';

interface Options {
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
  readonly device?: boolean;
}

const longestKey = 4096;

export function addLogin(auth: Command, cli: Cli): void {
  auth
    .command('login')
    .description(
      'Sign in to a server: with a browser, or with an API key, which is checked before it is stored.',
    )
    .option('--api-key <key>', 'API key, or - to read it from standard input')
    .option('--api-key-file <path>', 'file that holds the API key')
    .option('--device', 'show a code to type in a browser elsewhere, and use none here')
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton auth login\n  $ planton auth login --api-key-file ~/.planton/server/bootstrap-api-key\n  $ pass planton | planton auth login --api-key -',
    )
    .action((options: Options) => login(cli, options));
}

async function login(cli: Cli, options: Options): Promise<void> {
  const server = await serverOf(cli);
  const key = await readKey(cli, options);
  const tokens = key === undefined ? await signIn(cli, server, options.device === true) : undefined;
  const credential = tokens?.access ?? key ?? '';
  const me = await sessionWith(server, credential).client(Identity).whoAmI({});
  const account = me.email || me.name;
  if (tokens) await storeSession(cli, server, sessionFrom(cli, account, tokens));
  else {
    await storeApiKey(cli, server, credential);
    await setSessionsAside(cli, server);
  }
  const context = await readContext(cli);
  if (context.server !== server && (cli.options().server || context.server))
    await changeContext(cli, { server, account: '' });
  else if (context.account !== undefined && context.account !== account)
    await changeContext(cli, { account: tokens ? account : '' });

  say(cli, `signed in to ${server} as ${me.name}`);
  if (cli.env.PLANTON_API_KEY) warn(cli, 'PLANTON_API_KEY is set, and commands use that key');
  const slugs = me.organizations.map(({ slug }) => slug);
  if (slugs.length === 0) say(cli, 'no organisation yet; create one with: planton org create SLUG');
  else if (slugs.length > 1 && !context.org)
    say(cli, `member of ${slugs.join(', ')}; choose one with: planton context set --org SLUG`);
}

/** By the browser of this machine, else by a code that is typed elsewhere. Where nobody sits at a terminal, only as told. */
async function signIn(cli: Cli, server: string, byCode: boolean): Promise<Tokens> {
  if (byCode) return signInByDevice(cli, server);
  const choice = chooseBrowser(cli, process.platform);
  const tokens = 'openers' in choice ? await signInByBrowser(cli, server, choice.openers) : undefined;
  if (tokens) return tokens;
  const why = 'none' in choice ? choice.none : 'none could be opened';
  if (!cli.interactive) {
    throw usage(
      `there is no browser to sign in with: ${why}`,
      'sign in with: planton auth login --api-key-file PATH, or with --device and a browser elsewhere',
    );
  }
  say(cli, `no browser is used here: ${why}`);
  return signInByDevice(cli, server);
}

async function readKey(cli: Cli, options: Options): Promise<string | undefined> {
  const { apiKey, apiKeyFile } = options;
  if (apiKey !== undefined && apiKeyFile !== undefined)
    throw usage('give --api-key or --api-key-file, not both');
  if (options.device && (apiKey !== undefined || apiKeyFile !== undefined))
    throw usage('give --device or an API key, not both');
  let key = apiKey;
  if (apiKeyFile !== undefined) key = await readKeyFile(apiKeyFile);
  else if (apiKey === '-') key = decodeUtf8(await readHidden(cli, longestKey), 'the API key');
  if (key === undefined) return undefined;
  const trimmed = key.trim();
  if (trimmed === '' || trimmed.length > longestKey)
    throw usage(
      'that is no API key',
      'the key of the instance owner is in the file bootstrap-api-key of the server’s data dir',
    );
  return trimmed;
}

async function readKeyFile(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown reason';
    throw usage(`cannot read ${path}: ${code === 'ENOENT' ? 'there is no such file' : code}`);
  }
}
