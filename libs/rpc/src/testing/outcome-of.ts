import { toDomainError } from '../errors/map-error.ts';

/** `done`, or how a call was refused: kind, reason and the ceiling where one is named. */
export function outcomeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (thrown: unknown) => {
      const refusal = toDomainError(thrown);
      if (!refusal) throw new Error('not a domain error', { cause: thrown });
      return [refusal.kind, refusal.reason, refusal.metadata.limit].filter(Boolean).join(' ');
    },
  );
}
