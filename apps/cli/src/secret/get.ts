import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import type { Command } from 'commander';
import { notFound, usage } from '../errors/cli-error.ts';
import { printOne, withOutput } from '../output/print-messages.ts';
import { parseCount } from '../program/parse-count.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { envHelp, type SecretOptions, secrets } from './secret.ts';

interface Options extends SecretOptions {
  readonly key?: string;
  readonly reveal?: boolean;
  readonly version?: number;
  readonly purpose?: string;
}

export function addSecretGet(secret: Command, cli: Cli): void {
  const command = secret
    .command('get')
    .argument('<slug>', 'slug of the secret')
    .description(
      'Describe a secret without its values, or print the value of one key. Every read is on record.',
    )
    .option('--key <key>', 'with --reveal: the key whose value to print')
    .option('--reveal', 'print the value, and nothing else, to standard output')
    .option('--version <number>', 'with --reveal: version to read; the current one if left out', parseCount)
    .option('--purpose <text>', 'with --reveal: why, for the audit trail')
    .option('--env <slug>', envHelp)
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton secret get aws-access-key-id\n  $ planton secret get database --key password --reveal',
    );
  withOutput(command).action((slug: string, options: Options) =>
    options.reveal ? reveal(cli, slug, options) : describe(cli, slug, options),
  );
}

async function describe(cli: Cli, slug: string, options: Options): Promise<void> {
  if (options.key !== undefined || options.version !== undefined || options.purpose !== undefined)
    throw usage(
      '--key, --version and --purpose go with --reveal',
      `planton secret get ${slug} --key KEY --reveal`,
    );
  const { org, client } = await openOrganization(cli);
  const response = await client(ConfigManager).getSecret({ org, environment: options.env ?? '', slug });
  if (!response.secret) throw notFound(`secret ${slug} does not exist`, 'planton secret list');
  printOne(cli, options, secrets, response.secret);
}

async function reveal(
  cli: Cli,
  slug: string,
  { key, env: environment = '', version = 0, purpose = 'planton secret get' }: Options,
): Promise<void> {
  if (key === undefined)
    throw usage('which key? --reveal prints one value', `planton secret get ${slug} --key value --reveal`);
  const { org, client } = await openOrganization(cli);
  const request = { org, environment, slug, version, keys: [key], purpose };
  const { entries } = await client(ConfigManager).accessSecret(request);
  const value = Object.hasOwn(entries, key) ? entries[key] : undefined;
  if (value === undefined) throw notFound(`secret ${slug} has no key ${key}`, `planton secret get ${slug}`);
  // Nothing is added for programs that read it: a line break could be part of a value.
  cli.stdout.write(cli.terminalOutput ? `${value}\n` : value);
}
