import { OperationKind } from '@planton/api/runner/v1/operation';
import { defineKind } from '../operation-kind.ts';

/** Answers at once, to measure the way there and back. */
export const ping = defineKind({
  name: 'ping',
  kind: OperationKind.PING,
  idempotent: true,
  needsResultKey: false,
  isPublic: () => true,
  carriesCredentials: () => false,
  refusalOnPlatform: () => undefined,
});
