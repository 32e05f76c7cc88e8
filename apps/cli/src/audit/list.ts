import type { Timestamp } from '@bufbuild/protobuf/wkt';
import { AuditOutcome, type AuditRecord, AuditRecordSchema } from '@planton/api/common/v1/audit';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import { formatTime } from '../output/format-time.ts';
import { type OutputFormat, type Printable, printList, withOutput } from '../output/print-messages.ts';
import { parseCount } from '../program/parse-count.ts';
import { parseDuration } from '../program/parse-duration.ts';
import { listFirst } from '../session/list-first.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { mergeNewest } from './merge-newest.ts';

const outcomes: Readonly<Record<AuditOutcome, string>> = {
  [AuditOutcome.UNSPECIFIED]: '',
  [AuditOutcome.SUCCEEDED]: 'succeeded',
  [AuditOutcome.DENIED]: 'denied',
  [AuditOutcome.FAILED]: 'failed',
};

const records: Printable<AuditRecord> = {
  schema: AuditRecordSchema,
  columns: [
    ['TIME', ({ recordTime }) => formatTime(recordTime)],
    ['ACTION', ({ action }) => action],
    ['OUTCOME', ({ outcome }) => outcomes[outcome] ?? ''],
    ['ACTOR', ({ actorName, viaService }) => (viaService ? `${actorName} via ${viaService}` : actorName)],
    ['RESOURCE', ({ resourceKind, resourceSlug }) => [resourceKind, resourceSlug].filter(Boolean).join('/')],
    ['ENVIRONMENT', ({ environment }) => environment],
    ['REQUEST', ({ requestId }) => requestId],
  ],
};

interface Options {
  readonly action?: string;
  readonly resource?: string;
  readonly actor?: string;
  readonly since?: string;
  readonly until?: string;
  readonly limit: number;
  readonly output?: OutputFormat;
}

export function addAuditList(audit: Command, cli: Cli): void {
  const command = audit
    .command('list')
    .description('List who did what, newest first.')
    .option('--action <action>', 'only this action, such as secret.access')
    .option('--resource <slug>', 'only what concerns this object')
    .option('--actor <uid>', 'only what this user or service account did')
    .option('--since <time>', 'only from this time on: a duration such as 24h, or a time in RFC 3339')
    .option('--until <time>', 'only before this time')
    .option('--limit <number>', 'how many at most', parseCount, 100)
    .addHelpText('after', '\nExamples:\n  $ planton audit list --action secret.access --since 24h');
  withOutput(command).action((options: Options) => list(cli, options));
}

async function list(cli: Cli, options: Options): Promise<void> {
  const { action = '', resource: resourceSlug = '', actor: actorUid = '', limit } = options;
  const since = timeOf(cli, options.since);
  const until = timeOf(cli, options.until);
  const { org, client } = await openOrganization(cli);
  const filter = {
    org,
    action,
    resourceSlug,
    actorUid,
    ...(since ? { since } : {}),
    ...(until ? { until } : {}),
  };
  const services = [client(ConfigManager), client(ConnectionService), client(RunnerService)];
  const trails = services.map(({ listAuditRecords }) =>
    listFirst<Page, AuditRecord>(
      limit,
      (page) => listAuditRecords({ ...filter, ...page }),
      (page) => page.records,
    ),
  );
  printList(cli, options, records, mergeNewest(await Promise.all(trails), limit), 'nothing on record');
}

/** What every service's ListAuditRecords answers. */
interface Page {
  readonly records: readonly AuditRecord[];
  readonly nextPageToken: string;
}

function timeOf(cli: Cli, text: string | undefined): Pick<Timestamp, 'seconds' | 'nanos'> | undefined {
  if (text === undefined) return undefined;
  if (/^\d{4}-/.test(text)) {
    const milliseconds = Date.parse(text);
    if (Number.isNaN(milliseconds))
      throw usage(`${text} is no time`, 'write it as 2026-01-31T12:00:00Z, or as 24h');
    return timestampOf(milliseconds);
  }
  return timestampOf(cli.now().getTime() - Number(parseDuration(text)) * 1000);
}

function timestampOf(milliseconds: number): Pick<Timestamp, 'seconds' | 'nanos'> {
  const seconds = Math.floor(milliseconds / 1000);
  return { seconds: BigInt(seconds), nanos: (milliseconds - seconds * 1000) * 1_000_000 };
}
