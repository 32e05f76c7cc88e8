import {
  type HostFacts,
  type RunnerInstance,
  RunnerInstanceSchema,
  RunnerInstanceState,
} from '@planton/api/runner/v1/runner';
import { formatEnum } from '../output/format-enum.ts';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How the instances of a runner are printed. */
export const instances: Printable<RunnerInstance> = {
  schema: RunnerInstanceSchema,
  columns: [
    ['INSTANCE', ({ name }) => name],
    ['STATE', ({ state }) => formatEnum(RunnerInstanceState, state)],
    ['VERSION', ({ version }) => version],
    ['HOST', ({ host }) => formatHost(host)],
    ['RUNNING', ({ runningOperations }) => String(runningOperations)],
    ['CERTIFICATE UNTIL', ({ certificateExpireTime }) => formatTime(certificateExpireTime)],
    ['LAST SEEN', lastSeen],
    ['UID', ({ uid }) => uid],
  ],
};

function formatHost(host: HostFacts | undefined): string {
  if (!host) return '';
  const platform = [host.os, host.arch].filter(Boolean).join('/');
  return [host.hostname, platform].filter(Boolean).join(' ');
}

function lastSeen({ state, lastSeenTime }: RunnerInstance): string {
  if (state === RunnerInstanceState.ONLINE) return 'now';
  return formatTime(lastSeenTime) || 'never';
}
