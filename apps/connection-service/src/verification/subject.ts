import type { Message } from '@bufbuild/protobuf';
import { state } from '@planton/rpc';
import { type ConnectionRow, readProviderSpec } from '../connections/connection.ts';
import type { Provider } from '../providers/provider.ts';

/** A connection that is verified, as it was when it was read. */
export interface Subject {
  readonly connection: ConnectionRow;
  readonly provider: Provider;
  readonly spec: Message;
  /** Slug; empty for the platform runner. */
  readonly runner: string;
}

/**
 * Throws `CONNECTION_UNREADABLE`, or `RUNNER_NOT_REGISTERED` for one that names a runner whose uid is not known: it must not end on the
 * platform runner.
 */
export function subjectOf(connection: ConnectionRow): Subject {
  const { provider, spec } = readProviderSpec(connection);
  const runner = provider.runnerOf(spec);
  if (runner !== '' && connection.runner_uid === '') {
    throw state(
      'RUNNER_NOT_REGISTERED',
      `connection "${connection.slug}" names runner "${runner}" and was never registered with it`,
      { hint: 'apply the connection again' },
    );
  }
  return { connection, provider, spec, runner };
}
