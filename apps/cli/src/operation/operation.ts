import {
  type Operation,
  OperationKind,
  OperationSchema,
  OperationState,
} from '@planton/api/runner/v1/operation';
import { formatEnum } from '../output/format-enum.ts';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How operations are printed. */
export const operations: Printable<Operation> = {
  schema: OperationSchema,
  columns: [
    ['CREATED', ({ createTime }) => formatTime(createTime)],
    ['KIND', kindOf],
    ['STATE', stateOf],
    ['RUNNER', runnerOf],
    ['CONNECTION', ({ connection }) => connection],
    ['BY', ({ requestedBy }) => requestedBy],
    ['REASON', ({ error }) => error?.reason ?? ''],
    ['UID', ({ uid }) => uid],
  ],
};

export function kindOf({ kind }: Operation): string {
  return formatEnum(OperationKind, kind);
}

/** The state as `-o json` spells it, such as `outcome_unknown`. */
export function stateOf({ state }: Operation): string {
  return formatEnum(OperationState, state);
}

/** The runner's slug, and words for the platform's own, which has none. */
export function runnerOf({ runner }: { readonly runner: string }): string {
  return runner || 'the platform runner';
}
