import { randomUUID } from 'node:crypto';
import { open, rename, rm } from 'node:fs/promises';
import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import { openOrganization, type Session } from '../session/open-session.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { type AuditService, type ServiceOptions, servicesOf, withService } from './audit-services.ts';
import { readTimes, sinceHelp, type TimeOptions } from './read-time.ts';
import { trailLines } from './trail-messages.ts';

interface Options extends ServiceOptions, TimeOptions {
  readonly output?: string;
  readonly instance?: boolean;
}

const examples = `
Examples:
  $ planton audit export -o audit.jsonl
  $ planton audit verify --file audit.jsonl
  $ planton audit verify --checkpoint audit.jsonl

Each line is a JSON object: the records of a seal, then the seal, and for each service a signed checkpoint at the end. Keep the file, or
its checkpoints, where nobody who can write the database can write: it shows later that the database was set back.`;

export function addAuditExport(audit: Command, cli: Cli): void {
  withService(audit.command('export'))
    .description('Write the sealed audit trail as JSON Lines, with signed checkpoints.')
    .option('-o, --output <file>', 'file to write; standard output if left out')
    .option('--instance', 'the trail of the instance itself, for its owner')
    .option('--since <time>', `${sinceHelp}; by the time of the seals, which are written whole`)
    .option('--until <time>', 'only what was sealed before this time')
    .addHelpText('after', examples)
    .action((options: Options) => exportTrails(cli, options));
}

async function exportTrails(cli: Cli, options: Options): Promise<void> {
  const times = readTimes(cli, options);
  const session = await openOrganization(cli);
  const request = { org: session.org, instance: options.instance ?? false, ...times };
  if (options.output === undefined) {
    await exportEach(session, options, request, async (text) => {
      if (!cli.stdout.write(text)) await new Promise((resolve) => cli.stdout.once('drain', resolve));
    });
    return;
  }
  // The file appears when it is whole.
  const part = `${options.output}.${randomUUID()}.part`;
  const file = await open(part, 'wx', 0o600).catch((error: NodeJS.ErrnoException) => {
    throw usage(`cannot write ${options.output}: ${error.code}`);
  });
  try {
    await exportEach(session, options, request, async (text) => {
      await file.writeFile(text);
    });
    await file.sync();
    await file.close();
    await rename(part, options.output);
  } catch (error) {
    await file.close().catch(() => {});
    await rm(part, { force: true });
    throw error;
  }
  say(cli, `written to ${options.output}`);
}

async function exportEach(
  session: Session,
  options: Options,
  request: { readonly org: string; readonly instance: boolean },
  write: (text: string) => Promise<void>,
): Promise<void> {
  for (const { service } of servicesOf(options)) {
    const client = session.client<AuditService>(service);
    for (let pageToken = '', asked = new Set<string>(); !asked.has(pageToken); ) {
      asked = asked.add(pageToken);
      const page = await client.exportAuditTrail({ ...request, pageToken });
      for (const line of trailLines(page)) await write(`${line}\n`);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
  }
}
