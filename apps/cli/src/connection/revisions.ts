import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import {
  type ConnectionRevision,
  ConnectionRevisionSchema,
} from '@planton/api/connect/v1/provider_connection';
import type { Command } from 'commander';
import { formatTime } from '../output/format-time.ts';
import { type OutputOptions, type Printable, printList, withOutput } from '../output/print-messages.ts';
import { listAll } from '../session/list-all.ts';
import { openOrganization } from '../session/open-session.ts';
import type { Cli } from '../terminal/terminal.ts';

const revisions: Printable<ConnectionRevision> = {
  schema: ConnectionRevisionSchema,
  columns: [
    ['REVISION', ({ revision }) => String(revision)],
    ['ACTION', ({ action }) => action],
    ['TIME', ({ createTime }) => formatTime(createTime)],
    ['BY', ({ createdBy }) => createdBy],
  ],
};

export function addRevisions(connection: Command, cli: Cli): void {
  const command = connection
    .command('revisions')
    .argument('<name>', 'name or slug of the connection')
    .description('List who changed a connection and when, newest first.');
  withOutput(command).action(async (name: string, options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const items = await listAll(
      (page) => client(ConnectionService).listConnectionRevisions({ org, connection: name, ...page }),
      (page) => page.revisions,
    );
    printList(cli, options, revisions, items, `connection ${name} has no revision`);
  });
}
