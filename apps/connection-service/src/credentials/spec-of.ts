import { readProviderSpec } from '../connections/connection.ts';
import type { ResolvedConnection } from '../resolution/resolution-store.ts';

type ReadSpec = ReturnType<typeof readProviderSpec>;

const read = new WeakMap<ResolvedConnection, ReadSpec>();

/**
 * The provider and the spec of a connection, read once for all who share the answer that it is in. Not to be changed. Throws
 * `CONNECTION_UNREADABLE`.
 */
export function specOf(connection: ResolvedConnection): ReadSpec {
  let spec = read.get(connection);
  if (spec === undefined) {
    spec = readProviderSpec(connection);
    read.set(connection, spec);
  }
  return spec;
}
