import { randomBytes } from 'node:crypto';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { printOne, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { readEntries } from './read-entries.ts';
import { envHelp, type SecretOptions, secrets } from './secret.ts';

interface Options extends SecretOptions {
  readonly merge?: boolean;
  readonly fromFile: readonly string[];
  readonly stdin?: string;
  readonly generate: readonly string[];
}

const examples = `
Examples:
  $ planton secret set aws-access-key-id value=AKIAIOSFODNN7EXAMPLE
  $ pass aws/secret | planton secret set aws-secret-access-key --stdin value
  $ planton secret set tls --from-file cert=cert.pem --from-file key=key.pem
  $ planton secret set database --generate password --merge

Arguments can be seen by others on this machine and stay in the shell's history; --stdin and --from-file do not.`;

export function addSecretSet(secret: Command, cli: Cli): void {
  const command = secret
    .command('set')
    .argument('<slug>', 'slug of the secret')
    .argument('[entries...]', 'entries as key=value; a single value has the key `value`')
    .description('Create a secret or give it a new version that holds exactly these entries.')
    .option('--merge', 'keep the entries that are not named')
    .option('--from-file <key=path>', 'take the value of key from a file', collect, [])
    .option('--stdin <key>', 'take the value of key from standard input')
    .option('--generate <key>', 'make up a random value for key', collect, [])
    .option('--env <slug>', envHelp)
    .option('--if-match <etag>', 'refuse the change unless the secret still has this etag')
    .addHelpText('after', examples);
  withOutput(command).action((slug: string, pairs: readonly string[], options: Options) =>
    set(cli, slug, pairs, options),
  );
}

async function set(cli: Cli, slug: string, pairs: readonly string[], options: Options): Promise<void> {
  const { env: environment = '', merge = false, ifMatch: etag = '', fromFile, stdin, generate } = options;
  const entries = await readEntries(cli, { pairs, fromFile, stdin, generate }, randomBytes);
  const { org, client } = await openOrganization(cli);
  const response = await client(ConfigManager).setSecret({ org, environment, slug, entries, merge, etag });
  if (response.secret && options.output !== 'table') {
    printOne(cli, options, secrets, response.secret);
    return;
  }
  const version = response.secret?.currentVersion ?? 0;
  say(cli, `secret ${slug} ${response.changed ? 'set' : 'unchanged'} (version ${version})`);
}

function collect(item: string, items: readonly string[]): readonly string[] {
  return [...items, item];
}
