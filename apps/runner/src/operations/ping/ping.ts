import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { OperationKind } from '@planton/api/runner/v1/operation';
import { defineKind } from '../operation-kind.ts';

/** Answers at once, with the clock and the release of the runner. */
export const ping = defineKind({
  kind: OperationKind.PING,
  input: 'ping',
  repeatable: true,
  run: async (_, { now, version }) => ({
    output: { case: 'ping', value: { runnerTime: timestampFromDate(now()), version } },
  }),
});
