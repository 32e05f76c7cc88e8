import { quota } from '@planton/rpc';
import type { Kysely, Transaction } from 'kysely';
import type { ConnectTables } from '../schema.ts';
import { countConnections, countConnectionsInTurn } from './connection-change-store.ts';
import type { OrganizationName } from './connection-store.ts';

/** Connections of one organisation. */
const CONNECTIONS_AT_MOST = 5_000;

/**
 * Refuses the connection that this transaction has made where there are too many with it.
 *
 * @throws `CONNECTION_LIMIT`
 */
export async function limitConnections(
  tx: Transaction<ConnectTables>,
  organization: OrganizationName,
): Promise<void> {
  if ((await countConnectionsInTurn(tx, organization.uid)) > CONNECTIONS_AT_MOST) throw tooMany(organization);
}

/**
 * Says beforehand that there is no room for another one, before anything is done for it elsewhere. It does not reserve any.
 *
 * @throws `CONNECTION_LIMIT`
 */
export async function expectRoom(db: Kysely<ConnectTables>, organization: OrganizationName): Promise<void> {
  if ((await countConnections(db, organization.uid)) >= CONNECTIONS_AT_MOST) throw tooMany(organization);
}

function tooMany({ slug }: OrganizationName) {
  return quota(
    'CONNECTION_LIMIT',
    `organisation "${slug}" has ${CONNECTIONS_AT_MOST} connections, which is the limit`,
    {
      hint: 'planton delete AwsProviderConnection SLUG; planton connection list shows those that there are',
      metadata: { limit: String(CONNECTIONS_AT_MOST) },
    },
  );
}
