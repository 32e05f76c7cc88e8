import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { usage } from '../errors/cli-error.ts';
import { listAll } from '../session/list-all.ts';
import type { Session } from '../session/open-session.ts';
import { providerOf } from './list.ts';

/** The typed provider, or that of the named connection. */
export async function providerOfConnection(
  session: Session & { readonly org: string },
  typed: string | undefined,
  connection: string,
): Promise<string> {
  if (typed) return typed;
  const { org, client } = session;
  const found = await client(ConnectionService).getConnection({ org, connection });
  return found.connection ? providerOf(found.connection) : '';
}

/** The typed provider, or the only one that has connections. */
export async function soleProvider(
  session: Session & { readonly org: string },
  typed: string | undefined,
): Promise<string> {
  if (typed) return typed;
  const { org, client } = session;
  const connections = await listAll(
    (page) => client(ConnectionService).listConnections({ org, ...page }),
    (page) => page.connections,
  );
  const [only, ...others] = new Set(connections.map(providerOf));
  if (only !== undefined && others.length === 0) return only;
  const problem = only === undefined ? `${org} has no connection` : 'several providers have connections';
  throw usage(`which provider? ${problem}`, 'name one with --provider, for example --provider aws');
}
