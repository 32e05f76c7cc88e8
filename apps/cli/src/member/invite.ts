import { Identity } from '@planton/api/identity/v1/identity_service';
import { InvitationSchema } from '@planton/api/identity/v1/invitation';
import { toManifestObject } from '@planton/manifest';
import { type Command, Option } from 'commander';
import { formatRole, roleNames, roleOf } from '../output/format-role.ts';
import { formatTime } from '../output/format-time.ts';
import { type OutputOptions, printValue, withOutput } from '../output/print-messages.ts';
import { parseDuration } from '../program/parse-duration.ts';
import { splitList } from '../program/split-list.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, print, say } from '../terminal/terminal.ts';

interface Options extends OutputOptions {
  readonly email: string;
  readonly role: string;
  readonly environments?: readonly string[];
  readonly expires?: bigint;
}

const examples = `
The server sends no mail: pass the link on yourself. Another invitation of the same address replaces the one before.

Examples:
  $ planton member invite --email grace@example.com --role developer
  $ planton member invite --email grace@example.com --role admin --env staging,test --expires 2d`;

export function addMemberInvite(member: Command, cli: Cli): void {
  const command = member
    .command('invite')
    .description('Make a link by which somebody becomes a member, and print it, this once.')
    .requiredOption('--email <address>', 'e-mail address of who is invited, who signs in with it')
    .addOption(new Option('--role <role>', 'the role').choices(roleNames).makeOptionMandatory())
    .option(
      '--env, --environments <slugs>',
      'environments that the role covers, separated by commas; everything if left out',
      splitList,
    )
    .addOption(
      new Option('--expires <duration>', 'how long it is good, from 1h to 30d; a week if left out').argParser(
        parseDuration,
      ),
    )
    .addHelpText('after', examples);
  withOutput(command).action((options: Options) => invite(cli, options));
}

async function invite(cli: Cli, { email, role, environments = [], expires, output }: Options): Promise<void> {
  const { org, client } = await openOrganization(cli);
  const { invitation, link, replaced } = await client(Identity).createInvitation({
    org,
    email,
    role: roleOf(role),
    environments: [...environments],
    ...(expires === undefined ? {} : { lifetime: { seconds: expires, nanos: 0 } }),
  });
  if (output === 'json' || output === 'yaml') {
    const facts = invitation ? toManifestObject(InvitationSchema, invitation) : {};
    printValue(cli, output, { ...facts, link, replaced });
    return;
  }
  if (replaced) say(cli, `the earlier invitation of ${email} is void: its link works no more`);
  const end = formatTime(invitation?.expireTime);
  say(
    cli,
    `link for ${email} to become ${formatRole(invitation?.role ?? 0)} of ${org}, good once until ${end}; it cannot be shown again:`,
  );
  print(cli, link);
  say(cli, 'send it to nobody else: whoever opens it can accept');
}
