import { AuditOutcome, type AuditRecord, AuditRecordSchema } from '@planton/api/common/v1/audit';
import { type Command, Option } from 'commander';
import { formatTime } from '../output/format-time.ts';
import { type OutputFormat, type Printable, printList, withOutput } from '../output/print-messages.ts';
import { parseCount } from '../program/parse-count.ts';
import { listFirst } from '../session/list-first.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';
import { type AuditService, type ServiceOptions, servicesOf, withService } from './audit-services.ts';
import { mergeNewest } from './merge-newest.ts';
import { readTimes, sinceHelp, type TimeOptions } from './read-time.ts';

const outcomes: Readonly<Record<AuditOutcome, string>> = {
  [AuditOutcome.UNSPECIFIED]: '',
  [AuditOutcome.SUCCEEDED]: 'succeeded',
  [AuditOutcome.DENIED]: 'denied',
  [AuditOutcome.FAILED]: 'failed',
};

const outcomesByName = {
  succeeded: AuditOutcome.SUCCEEDED,
  denied: AuditOutcome.DENIED,
  failed: AuditOutcome.FAILED,
} as const;

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
    ['PURPOSE', ({ purpose }) => purpose],
  ],
};

const examples = `
Examples:
  $ planton audit list --action secret.access --since 24h
  $ planton audit list --instance --action session.sign_in --outcome denied`;

interface Options extends ServiceOptions, TimeOptions {
  readonly action?: string;
  readonly resource?: string;
  readonly actor?: string;
  readonly outcome?: keyof typeof outcomesByName;
  readonly request?: string;
  readonly instance?: boolean;
  readonly limit: number;
  readonly output?: OutputFormat;
}

export function addAuditList(audit: Command, cli: Cli): void {
  const command = withService(audit.command('list'))
    .description('List who did what, newest first.')
    .option('--action <action>', 'only this action, such as secret.access')
    .option('--resource <slug>', 'only what concerns this object')
    .option('--actor <uid>', 'only what this user or service account did')
    .addOption(new Option('--outcome <outcome>', 'only what ended so').choices(Object.keys(outcomesByName)))
    .option('--request <id>', 'only what belongs to this request, by the id that errors and logs show')
    .option('--instance', 'the trail of the instance itself, for its owner: first start, accounts, sign-ins')
    .option('--since <time>', sinceHelp)
    .option('--until <time>', 'only before this time')
    .option('--limit <number>', 'how many at most', parseCount, 100)
    .addHelpText('after', examples);
  withOutput(command).action((options: Options) => list(cli, options));
}

async function list(cli: Cli, options: Options): Promise<void> {
  const times = readTimes(cli, options);
  const { action = '', resource: resourceSlug = '', actor: actorUid = '', request: requestId = '' } = options;
  const { limit, instance = false } = options;
  const outcome = options.outcome ? outcomesByName[options.outcome] : AuditOutcome.UNSPECIFIED;
  const { org, client } = await openOrganization(cli);
  const filter = { org, instance, action, resourceSlug, actorUid, requestId, outcome, ...times };
  const services = servicesOf(options).map(({ service }) => client<AuditService>(service));
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
