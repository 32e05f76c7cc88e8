import { Identity, WhoAmIResponseSchema } from '@planton/api/identity/v1/identity_service';
import { SubjectKind } from '@planton/api/identity/v1/organization';
import { toManifestObject } from '@planton/manifest';
import type { Command } from 'commander';
import { formatRole } from '../output/format-role.ts';
import { formatTable } from '../output/format-table.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { openSession } from '../session/open-session.ts';
import { type Cli, print } from '../terminal/terminal.ts';

const kinds: Readonly<Record<SubjectKind, string>> = {
  [SubjectKind.UNSPECIFIED]: 'unknown',
  [SubjectKind.USER]: 'user',
  [SubjectKind.SERVICE_ACCOUNT]: 'service account',
  [SubjectKind.SERVICE]: 'service',
};

export function addWhoAmI(auth: Command, cli: Cli): void {
  withOutput(
    auth.command('whoami').description('Say who you are, and your role in each organisation.'),
  ).action(async ({ output }: OutputOptions) => {
    const session = await openSession(cli);
    const me = await session.client(Identity).whoAmI({});
    if (output === 'json' || output === 'yaml') {
      printValue(cli, output, toManifestObject(WhoAmIResponseSchema, me));
      return;
    }
    const owner = me.instanceOwner ? ', owner of this server' : '';
    const account = me.email ? ` <${me.email}>` : '';
    print(cli, `${me.name}${account} (${kinds[me.kind]}${owner}) at ${session.server}`);
    if (me.organizations.length === 0) return;
    print(cli, '');
    print(
      cli,
      formatTable(
        [
          ['ORGANISATION', (org) => org.slug],
          ['ROLE', (org) => formatRole(org.role)],
        ],
        me.organizations,
      ),
    );
  });
}
