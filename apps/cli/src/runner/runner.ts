import { type Runner, RunnerSchema, RunnerState } from '@planton/api/runner/v1/runner';
import { formatEnum } from '../output/format-enum.ts';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How runners are printed. */
export const runners: Printable<Runner> = {
  schema: RunnerSchema,
  columns: [
    ['NAME', slugOf],
    ['STATE', stateOf],
    ['ONLINE', ({ status }) => `${status?.onlineInstances ?? 0}/${status?.instances ?? 0}`],
    ['VERSION', ({ status }) => status?.versions.join(', ') ?? ''],
    ['RUNNING', ({ status }) => String(status?.runningOperations ?? 0)],
    ['QUEUED', ({ status }) => String(status?.queuedOperations ?? 0)],
    ['LAST SEEN', lastSeen],
  ],
};

export function slugOf({ metadata }: Runner): string {
  return metadata?.slug ?? '';
}

/** The state as `-o json` spells it, such as `online`. */
export function stateOf({ status }: Runner): string {
  return formatEnum(RunnerState, status?.state ?? RunnerState.UNSPECIFIED);
}

function lastSeen({ status }: Runner): string {
  if (status?.state === RunnerState.ONLINE) return 'now';
  return formatTime(status?.lastSeenTime) || 'never';
}
