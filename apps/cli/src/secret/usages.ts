import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { type Usage, UsageSchema } from '@planton/api/config/v1/reference';
import type { Command } from 'commander';
import { type OutputFormat, type Printable, printList, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';

const usages: Printable<Usage> = {
  schema: UsageSchema,
  columns: [
    ['KIND', ({ owner }) => owner?.kind ?? ''],
    ['SLUG', ({ owner }) => owner?.slug ?? ''],
    ['STATE', ({ confirmed }) => (confirmed ? 'in use' : 'change under way')],
  ],
};

interface Options {
  readonly env?: string;
  readonly output?: OutputFormat;
}

/** Adds `usages`, which secrets and variables have alike. */
export function addUsages(noun: Command, cli: Cli, target: 'secret' | 'variable'): void {
  const command = noun
    .command('usages')
    .argument('<slug>', `slug of the ${target}`)
    .description(`List what refers to a ${target}.`)
    .option('--env <slug>', 'environment that it belongs to; the organisation if left out');
  withOutput(command).action(async (slug: string, options: Options) => {
    const { org, client } = await openOrganization(cli);
    const request = { org, environment: options.env ?? '', target: { case: target, value: slug } };
    const listed = await client(ConfigManager).listUsages(request);
    printList(cli, options, usages, listed.usages, `nothing refers to ${target} ${slug}`);
  });
}
