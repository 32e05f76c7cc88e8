import type { Command } from 'commander';
import { AlreadyTold, exitCodes, usage } from '../errors/cli-error.ts';
import { type OutputFormat, printValue, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, print, warn } from '../terminal/terminal.ts';
import { type ServiceOptions, withService } from './audit-services.ts';
import { readKeyIds } from './read-keys.ts';
import { type TrailReport, verifyFile, verifyTrails } from './verify-trails.ts';

interface Options extends ServiceOptions {
  readonly checkpoint?: string;
  readonly file?: string;
  readonly publicKey?: string;
  readonly instance?: boolean;
  readonly output: OutputFormat;
}

const examples = `
Examples:
  $ planton audit verify
  $ planton audit verify --checkpoint last-month.jsonl --public-key audit.pub
  $ planton audit verify --file audit.jsonl --public-key audit.pub

Exits with 6 where a trail is not as it was sealed. Only a checkpoint that was kept elsewhere shows that the newest seals were cut off, or
that the whole database was set back.`;

export function addAuditVerify(audit: Command, cli: Cli): void {
  const command = withService(audit.command('verify'))
    .description('Check that no record was changed, removed, inserted or moved since it was sealed.')
    .option(
      '--checkpoint <file>',
      'an earlier export, or its checkpoints: the trails have to hold what it states',
    )
    .option('--file <file>', 'check this export instead, without a server')
    .option('--public-key <file>', 'public keys that may have signed, one a line')
    .option('--instance', 'the trail of the instance itself, for its owner')
    .addHelpText('after', examples);
  withOutput(command).action((options: Options) => verify(cli, options));
}

async function verify(cli: Cli, options: Options): Promise<void> {
  if (options.file !== undefined && (options.checkpoint !== undefined || options.instance))
    throw usage('--file is checked by itself: --checkpoint and --instance go with the trails of a server');
  const keyIds = await readKeyIds(options.publicKey);
  const reports = options.file
    ? await verifyFile(options.file, options, keyIds)
    : await verifyTrails(await openOrganization(cli), options, keyIds);
  show(cli, options, reports);
  if (options.file !== undefined && keyIds === undefined)
    warn(
      cli,
      'without --public-key nobody knows who signed the file: compare the keys with those of the server',
    );
  if (reports.some(({ findings }) => findings.length > 0)) throw new AlreadyTold(exitCodes.negative);
}

function show(cli: Cli, { output }: Options, reports: readonly TrailReport[]): void {
  if (output !== 'table') {
    printValue(
      cli,
      output,
      reports.map(({ service, seals, records, unsealed, keys, findings }) => ({
        service,
        intact: findings.length === 0,
        seals,
        records,
        unsealed,
        public_keys: [...keys],
        findings: findings.map((finding) => ({ ...finding })),
      })),
    );
    return;
  }
  for (const { service, seals, records, unsealed, keys, findings } of reports) {
    const tail = unsealed > 0 ? `; ${unsealed} not sealed yet` : '';
    const verdict = findings.length === 0 ? 'intact' : 'DAMAGED';
    print(cli, `${service}: ${verdict}, ${records} records under ${seals} seals${tail}`);
    for (const { message } of findings) print(cli, `  ${message}`);
    for (const key of keys) print(cli, `  signed with ${key}`);
  }
}
