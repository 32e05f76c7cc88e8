import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import {
  type ProviderConnection,
  ProviderConnectionSchema,
} from '@planton/api/connect/v1/provider_connection';
import { kinds, toManifestObject } from '@planton/manifest';
import type { Command } from 'commander';
import { formatTable } from '../output/format-table.ts';
import { formatTime } from '../output/format-time.ts';
import { type OutputFormat, printValue, withOutput } from '../output/print-messages.ts';
import { listAll } from '../session/list-all.ts';
import { openOrganization } from '../session/open-session.ts';
import { type Cli, print, say } from '../terminal/terminal.ts';
import { summarizeVerification } from './verification.ts';

interface Options {
  readonly provider?: string;
  readonly output?: OutputFormat;
}

export function addConnectionList(connection: Command, cli: Cli): void {
  const command = connection
    .command('list')
    .description('List the connections of every provider.')
    .option('--provider <name>', 'only connections of this provider, such as aws');
  withOutput(command).action((options: Options) => list(cli, options));
}

async function list(cli: Cli, { provider = '', output }: Options): Promise<void> {
  const { org, client } = await openOrganization(cli);
  const connections = await listAll(
    (page) => client(ConnectionService).listConnections({ org, provider, ...page }),
    (page) => page.connections,
  );
  if (output === 'json' || output === 'yaml') {
    printValue(cli, output, connections.flatMap(manifestOf));
  } else if (connections.length === 0) {
    say(cli, `no connection in ${org}; apply one with: planton apply -f FILE`);
  } else {
    const columns = [
      ['NAME', ({ kind }: ProviderConnection) => kind.value?.metadata?.slug ?? ''],
      ['PROVIDER', providerOf],
      ['DEFAULT FOR', ({ kind }: ProviderConnection) => kind.value?.status?.defaultFor.join(', ') ?? ''],
      ['MAY BE USED IN', ({ kind }: ProviderConnection) => kind.value?.status?.authorizedIn.join(', ') ?? ''],
      ['VERIFIED', ({ kind }: ProviderConnection) => verifiedOf(kind.value, cli.now())],
      ['REVISION', ({ kind }: ProviderConnection) => String(kind.value?.metadata?.revision ?? '')],
      ['UPDATED', ({ kind }: ProviderConnection) => formatTime(kind.value?.metadata?.updateTime)],
    ] as const;
    print(cli, formatTable(columns, connections));
  }
}

function verifiedOf(connection: ProviderConnection['kind']['value'], now: Date): string {
  return summarizeVerification(connection?.status?.verification, connection?.metadata?.revision ?? 0, now);
}

function manifestOf({ kind }: ProviderConnection) {
  const known = kinds.find(({ schema }) => schema.typeName === kind.value?.$typeName);
  return known && kind.value ? [toManifestObject(known.schema, kind.value)] : [];
}

/** The provider of a connection, as commands spell it. */
export function providerOf({ kind }: ProviderConnection): string {
  return ProviderConnectionSchema.fields.find(({ localName }) => localName === kind.case)?.name ?? '';
}
