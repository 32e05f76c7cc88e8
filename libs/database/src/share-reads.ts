import { AsyncLocalStorage } from 'node:async_hooks';
import { assertOutsideTransaction } from './guard-transaction.ts';

interface Round<Question, Answer> {
  readonly question: Question;
  readonly answered: PromiseWithResolvers<Answer>;
}

/** The reads of one question: there while one is about to begin or under way. */
interface Lane<Question, Answer> {
  /** Has not begun. */
  next: Round<Question, Answer> | undefined;
}

/**
 * Lets callers that ask the very same question share one read: whoever asks in the same turn, or while a read is under way, is answered
 * by the next one.
 *
 * It is no cache, and answers are linearisable: a caller only ever joins a read that has not begun, so the snapshot of its statement is
 * taken after the caller asked, and whatever was committed before then is in the answer. Nothing is kept once it was answered.
 *
 * Everyone who shares an answer, or an error, is given the same object: it must not be changed.
 *
 * @param settings.read has to begin its statement after it was called
 * @param settings.keyOf the same text for the same question, and for no other
 * @returns rejects with what `read` rejects with, and inside a transaction, whose own view nobody can share
 */
export function shareReads<Question, Answer>(settings: {
  readonly read: (question: Question) => Promise<Answer>;
  readonly keyOf: (question: Question) => string;
}): (question: Question) => Promise<Answer> {
  const { read, keyOf } = settings;
  // A read belongs to everyone who shares it: not to the request, or the span, of whoever happened to ask first.
  const detach = AsyncLocalStorage.snapshot();
  const lanes = new Map<string, Lane<Question, Answer>>();

  const readAll = async (key: string, lane: Lane<Question, Answer>) => {
    while (lane.next) {
      const { question, answered } = lane.next;
      lane.next = undefined;
      try {
        answered.resolve(await read(question));
      } catch (error) {
        answered.reject(error);
      }
    }
    lanes.delete(key);
  };

  return async (question) => {
    assertOutsideTransaction('a shared read');
    const key = keyOf(question);
    const known = lanes.get(key);
    if (known?.next) return known.next.answered.promise;
    const round = { question, answered: Promise.withResolvers<Answer>() };
    if (known) known.next = round;
    else {
      const lane = { next: round };
      lanes.set(key, lane);
      setImmediate(() => void detach(readAll, key, lane));
    }
    return round.answered.promise;
  };
}
