import { type ApiKey, ApiKeySchema } from '@planton/api/identity/v1/api_key';
import { Identity } from '@planton/api/identity/v1/identity_service';
import type { Command } from 'commander';
import { formatRole } from '../output/format-role.ts';
import { formatTime } from '../output/format-time.ts';
import { type OutputOptions, type Printable, printList, withOutput } from '../output/print-messages.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';

const apiKeys: Printable<ApiKey> = {
  schema: ApiKeySchema,
  columns: [
    ['NAME', ({ name }) => name],
    ['KEY', ({ prefix, lastCharacters }) => `${prefix}…${lastCharacters}`],
    ['OF', ({ subjectName }) => subjectName],
    ['ROLE', ({ role }) => formatRole(role)],
    ['EXPIRES', ({ expireTime }) => formatTime(expireTime) || 'never'],
    ['LAST USED', ({ lastUseTime }) => formatTime(lastUseTime) || 'never'],
    ['UID', ({ uid }) => uid],
  ],
};

export function addApiKeyList(apiKey: Command, cli: Cli): void {
  withOutput(
    apiKey.command('list').description('List your keys and those of service accounts that you manage.'),
  ).action(async (options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const listed = await client(Identity).listApiKeys({ org });
    printList(
      cli,
      options,
      apiKeys,
      listed.apiKeys,
      'no API key yet; create one with: planton api-key create --name NAME',
    );
  });
}
