import { readFile } from 'node:fs/promises';
import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import { sessionWith } from '../session/open-session.ts';
import { storeApiKey } from '../settings/api-keys.ts';
import { changeContext, readContext, serverOf } from '../settings/context.ts';
import { readHidden } from '../terminal/read-hidden.ts';
import { decodeUtf8 } from '../terminal/read-stdin.ts';
import { type Cli, say } from '../terminal/terminal.ts';

interface Options {
  readonly apiKey?: string;
  readonly apiKeyFile?: string;
}

const longestKey = 4096;

export function addLogin(auth: Command, cli: Cli): void {
  auth
    .command('login')
    .description('Sign in to a server. The key is checked before it is stored.')
    .option('--api-key <key>', 'API key, or - to read it from standard input')
    .option('--api-key-file <path>', 'file that holds the API key')
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton auth login --api-key-file ~/.planton/server/bootstrap-api-key\n  $ pass planton | planton auth login --api-key -',
    )
    .action((options: Options) => login(cli, options));
}

async function login(cli: Cli, options: Options): Promise<void> {
  const server = await serverOf(cli);
  const key = await readKey(cli, options);
  const { name, organizations } = await sessionWith(server, key).client(Identity).whoAmI({});
  await storeApiKey(cli, server, key);
  const context = await readContext(cli);
  if (context.server !== server && (cli.options().server || context.server))
    await changeContext(cli, { server });

  say(cli, `signed in to ${server} as ${name}`);
  const slugs = organizations.map(({ slug }) => slug);
  if (slugs.length === 0) say(cli, 'no organisation yet; create one with: planton org create SLUG');
  else if (slugs.length > 1 && !context.org)
    say(cli, `member of ${slugs.join(', ')}; choose one with: planton context set --org SLUG`);
}

async function readKey(cli: Cli, { apiKey, apiKeyFile }: Options): Promise<string> {
  if (apiKey !== undefined && apiKeyFile !== undefined)
    throw usage('give --api-key or --api-key-file, not both');
  let key = apiKey;
  if (apiKeyFile !== undefined) key = await readKeyFile(apiKeyFile);
  else if (apiKey === '-') key = decodeUtf8(await readHidden(cli, longestKey), 'the API key');
  if (key === undefined)
    throw usage(
      'signing in with a browser is not available yet',
      'sign in with: planton auth login --api-key-file PATH',
    );
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
