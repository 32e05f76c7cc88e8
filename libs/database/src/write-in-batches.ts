import { AsyncLocalStorage } from 'node:async_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { isConflict, isUnavailable } from './classify-error.ts';
import { assertOutsideTransaction } from './guard-transaction.ts';

/** How often a batch is written at most when transactions meet. */
const ATTEMPTS = 5;
const PAUSE_MS = 20;

/** Writes items one statement for many, each with an answer of its own. */
export interface BatchWriter<Item, Answer> {
  /** Resolves when the item is durable. Rejects with the error of its statement, and inside a transaction, which has a connection of its own. */
  write(item: Item): Promise<Answer>;
  /** Resolves when nothing is waiting or under way. */
  idle(): Promise<void>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Group commit: an item is written with all that came in the same turn when nothing is under way, else with all that has gathered when
 * a statement ends. Thousands of writers cost few statements, and a single one waits for nobody.
 *
 * One bad item fails alone: a batch that fails for another reason than an absent database is written again item by item.
 *
 * @param settings.keyOf items with the same key never share a statement; the later one waits
 * @param settings.gatherMs the least time between the beginnings of two statements, for statements that are dear whatever they write
 * @param settings.write answers in the order of the items
 */
export function writeInBatches<Item, Answer>(settings: {
  readonly write: (items: readonly Item[]) => Promise<readonly Answer[]>;
  readonly largest: number;
  /** Statements under way at once. */
  readonly concurrency: number;
  readonly keyOf?: (item: Item) => string;
  readonly gatherMs?: number;
}): BatchWriter<Item, Answer> {
  const { largest, concurrency, keyOf, gatherMs = 0 } = settings;
  const detach = AsyncLocalStorage.snapshot();
  let queue: Waiting<Item, Answer>[] = [];
  let underWay = 0;
  let scheduled = false;
  let gathering: NodeJS.Timeout | undefined;
  const busyKeys = new Set<string>();
  let idlers: (() => void)[] = [];

  const take = (): Waiting<Item, Answer>[] => {
    if (!keyOf) return queue.splice(0, largest);
    const batch: Waiting<Item, Answer>[] = [];
    const left: Waiting<Item, Answer>[] = [];
    for (const waiting of queue) {
      const key = keyOf(waiting.item);
      if (batch.length < largest && !busyKeys.has(key)) {
        busyKeys.add(key);
        batch.push(waiting);
      } else left.push(waiting);
    }
    queue = left;
    return batch;
  };
  const run = async (batch: readonly Waiting<Item, Answer>[]) => {
    try {
      await settle(batch, settings.write);
    } finally {
      underWay -= 1;
      if (keyOf) for (const { item } of batch) busyKeys.delete(keyOf(item));
      startNext();
      if (underWay === 0 && queue.length === 0) for (const idler of idlers.splice(0)) idler();
    }
  };
  const gatherOn = () => {
    gathering = undefined;
    startNext();
  };
  const startNext = () => {
    while (underWay < concurrency && queue.length > 0 && gathering === undefined) {
      const batch = take();
      if (batch.length === 0) return;
      underWay += 1;
      if (gatherMs > 0 && batch.length < largest) gathering = setTimeout(gatherOn, gatherMs);
      void detach(run, batch);
    }
  };

  return {
    write: async (item) => {
      assertOutsideTransaction('a write in batches');
      return new Promise((resolve, reject) => {
        queue.push({ item, resolve, reject });
        if (scheduled || underWay >= concurrency) return;
        scheduled = true;
        setImmediate(() => {
          scheduled = false;
          startNext();
        });
      });
    },
    idle: () =>
      underWay === 0 && queue.length === 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            idlers = [...idlers, resolve];
          }),
  };
}

async function settle<Item, Answer>(
  batch: readonly Waiting<Item, Answer>[],
  write: (items: readonly Item[]) => Promise<readonly Answer[]>,
): Promise<void> {
  try {
    const answers = await writeThroughConflicts(() => write(batch.map(({ item }) => item)));
    batch.forEach(({ resolve, reject }, index) => {
      if (index < answers.length) resolve(answers[index] as Answer);
      else reject(new Error('a batch was answered in part'));
    });
  } catch (error) {
    if (batch.length === 1 || isUnavailable(error)) {
      for (const { reject } of batch) reject(error);
      return;
    }
    for (const waiting of batch) await settle([waiting], write);
  }
}

async function writeThroughConflicts<T>(write: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      if (attempt >= ATTEMPTS || !isConflict(error)) throw error;
    }
    await sleep(attempt * PAUSE_MS);
  }
}
