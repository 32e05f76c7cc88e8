import { Identity } from '@planton/api/identity/v1/identity_service';
import { type Command, Option } from 'commander';
import { roleNames, roleOf } from '../output/format-role.ts';
import { type OutputOptions, printOne, withOutput } from '../output/print-messages.ts';
import { splitList } from '../program/split-list.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, say } from '../terminal/terminal.ts';
import { serviceAccounts } from './service-account.ts';

interface Options extends OutputOptions {
  readonly role: string;
  readonly environments?: readonly string[];
}

export function addServiceAccountCreate(serviceAccount: Command, cli: Cli): void {
  const command = serviceAccount
    .command('create')
    .argument('<slug>', 'lowercase letters and digits joined by single hyphens')
    .description('Create an identity for a program.')
    .addOption(new Option('--role <role>', 'its role').choices(roleNames).makeOptionMandatory())
    .option(
      '--environments <slugs>',
      'environments that the role covers, separated by commas; everything if left out',
      splitList,
    );
  withOutput(command).action(async (slug: string, { role, environments = [], ...options }: Options) => {
    const { org, client } = await openOrganization(cli);
    const created = await client(Identity).createServiceAccount({
      org,
      slug,
      role: roleOf(role),
      environments: [...environments],
    });
    if (created.serviceAccount) printOne(cli, options, serviceAccounts, created.serviceAccount);
    say(cli, `make a key for it with: planton api-key create --service-account ${slug} --name NAME`);
  });
}
