import {
  ConnectionService,
  type ResolveConnectionResponse,
  ResolveConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import { ConnectionSource, type DecisionStep } from '@planton/api/connect/v1/resolution';
import { toManifestObject } from '@planton/manifest';
import type { Command } from 'commander';
import { AlreadyTold } from '../errors/cli-error.ts';
import { explainError } from '../errors/explain-error.ts';
import { reportError } from '../errors/report-error.ts';
import { formatTable } from '../output/format-table.ts';
import { type OutputFormat, printValue, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import { environmentOf } from '../settings/context.ts';
import { type Cli, print, say } from '../terminal/terminal.ts';
import { type Target, withTarget } from './target.ts';

interface Options extends Target {
  readonly explain?: boolean;
  readonly output?: OutputFormat;
}

const sources: Readonly<Record<ConnectionSource, string>> = {
  [ConnectionSource.UNSPECIFIED]: '',
  [ConnectionSource.EXPLICIT]: 'explicit',
  [ConnectionSource.ENVIRONMENT]: 'environment',
  [ConnectionSource.ORGANIZATION]: 'organization',
};

export function addResolve(connection: Command, cli: Cli): void {
  const command = withTarget(connection.command('resolve'))
    .description(
      "Say which connection applies: the named one, else the environment's default, else the organisation's.",
    )
    .option('--explain', 'say why, level by level; also when nothing applies')
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton connection resolve --provider aws --env production --explain',
    );
  withOutput(command).action((options: Options) => resolve(cli, options));
}

async function resolve(cli: Cli, options: Options): Promise<void> {
  const { provider = '', connection = '', explain, output } = options;
  const environment = await environmentOf(cli, options.env);
  const { org, client } = await openOrganization(cli);
  let resolved: ResolveConnectionResponse;
  try {
    resolved = await client(ConnectionService).resolveConnection({ org, provider, connection, environment });
  } catch (error) {
    const levels = explainError(error)?.violations ?? [];
    if (!explain || levels.length === 0) throw error;
    say(
      cli,
      formatTable(
        [
          ['LEVEL', ({ field }) => field],
          ['EXPLANATION', ({ message }) => message],
        ],
        levels,
      ),
    );
    throw new AlreadyTold(reportError(cli, error));
  }
  if (output === 'json' || output === 'yaml') {
    printValue(cli, output, toManifestObject(ResolveConnectionResponseSchema, resolved));
    return;
  }
  print(cli, formatTable(summary, [resolved]));
  if (!explain) return;
  print(cli, `\n${formatTable(steps, resolved.decision)}`);
}

const summary = [
  ['CONNECTION', ({ connection }: ResolveConnectionResponse) => connection],
  ['PROVIDER', ({ provider }: ResolveConnectionResponse) => provider],
  ['SOURCE', ({ source }: ResolveConnectionResponse) => sources[source] ?? ''],
  ['REVISION', ({ revision }: ResolveConnectionResponse) => String(revision)],
] as const;

const steps = [
  ['LEVEL', ({ level }: DecisionStep) => level],
  ['OUTCOME', ({ outcome }: DecisionStep) => outcome],
  ['CONNECTION', ({ connection }: DecisionStep) => connection],
  ['EXPLANATION', ({ explanation }: DecisionStep) => explanation],
] as const;
