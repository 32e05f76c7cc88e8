import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { type OutputOptions, printOne, withOutput } from '../output/print-messages.ts';
import { openSession } from '../session/open-session.ts';
import { changeContext, readContext } from '../settings/context.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { organizations } from './organization.ts';

export function addOrgCreate(org: Command, cli: Cli): void {
  const command = org
    .command('create')
    .argument('<slug>', 'lowercase letters and digits joined by single hyphens')
    .description('Create an organisation and own it. It becomes the context if there is none.')
    .option('--name <name>', 'human-readable name');
  withOutput(command).action(async (slug: string, options: OutputOptions & { name?: string }) => {
    const session = await openSession(cli);
    const { organization } = await session
      .client(Identity)
      .createOrganization({ slug, name: options.name ?? '' });
    if (organization) printOne(cli, options, organizations, organization);
    if ((await readContext(cli)).org) return;
    await changeContext(cli, { org: slug });
    say(cli, `${slug} is the organisation of your context now`);
  });
}
