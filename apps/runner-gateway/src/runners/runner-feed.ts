import { create } from '@bufbuild/protobuf';
import { type Runner, RunnerSchema } from '@planton/api/runner/v1/runner';
import { quota } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import type { RunningWake } from '../replicas/wake.ts';
import { RUNNERS_AT_MOST, type RunnerView, runnerMessage } from './runner.ts';
import { listRunnerViews } from './runner-store.ts';

/** A runner as it was read. The same object for as long as nothing changes that a watcher is told of. */
export interface RunnerEntry {
  readonly slug: string;
  readonly runner: Runner;
  readonly facts: string;
}

/** All runners of an organisation by uid, sorted by slug. Another object whenever something has changed. */
export type RunnerSnapshot = ReadonlyMap<string, RunnerEntry>;

export interface RunnerFeeds {
  /**
   * The runners as they are now, and again whenever something has changed, until the signal. Who takes long to ask for the next
   * snapshot misses those in between.
   *
   * @throws `TOO_MANY_WATCHERS`; whatever reading throws ends every watcher of the organisation
   */
  watch(organizationUid: string, signal: AbortSignal): AsyncGenerator<RunnerSnapshot, void>;
}

const WATCHERS_AT_MOST = 1_000;
const WATCHERS_OF_ONE_AT_MOST = 100;

/** Milliseconds between two reads when nobody says that something changed, and when it does all the time. */
const LONGEST_PAUSE_MS = 1_000;
const SHORTEST_PAUSE_MS = 100;

/** What the watchers of one organisation share: one loop that reads. */
interface Feed {
  snapshot: RunnerSnapshot;
  failure: { readonly error: unknown } | undefined;
  watchers: number;
  /** Counts the reads that have begun, and those that have ended. */
  begun: number;
  ended: number;
  /** Whether something has changed since the last read began. */
  changed: boolean;
  /** Called after each read. */
  readonly waiting: Set<() => void>;
  /** Ends the pause between two reads. */
  hurry: () => void;
}

export interface FeedDeps extends Pick<Deps, 'database'> {
  readonly wake: Pick<RunningWake, 'onChanged'>;
}

/** Reads the runners of an organisation for all of its watchers in this process together. */
export function createRunnerFeeds({ database, wake }: FeedDeps): RunnerFeeds {
  const feeds = new Map<string, Feed>();
  let watchers = 0;
  let unsubscribe = () => {};

  const look = (feed: Feed | undefined) => {
    if (!feed) return;
    feed.changed = true;
    feed.hurry();
  };

  const run = async (organizationUid: string, feed: Feed) => {
    while (feed.watchers > 0) {
      feed.begun += 1;
      feed.changed = false;
      try {
        const page = { after: '', limit: 2 * RUNNERS_AT_MOST };
        feed.snapshot = merge(feed.snapshot, await listRunnerViews(database.query, organizationUid, page));
      } catch (error) {
        feed.failure = { error };
        feeds.delete(organizationUid);
      }
      feed.ended = feed.begun;
      for (const proceed of [...feed.waiting]) proceed();
      if (feed.failure) return;
      await pause(SHORTEST_PAUSE_MS);
      if (!feed.changed && feed.watchers > 0) {
        await pause(LONGEST_PAUSE_MS - SHORTEST_PAUSE_MS, (end) => {
          feed.hurry = end;
        });
      }
    }
  };

  const enter = (organizationUid: string): Feed => {
    const known = feeds.get(organizationUid);
    if (watchers >= WATCHERS_AT_MOST || (known?.watchers ?? 0) >= WATCHERS_OF_ONE_AT_MOST) throw tooMany();
    const feed: Feed = known ?? {
      snapshot: new Map(),
      failure: undefined,
      watchers: 0,
      begun: 0,
      ended: 0,
      changed: false,
      waiting: new Set(),
      hurry: () => {},
    };
    feed.watchers += 1;
    watchers += 1;
    if (watchers === 1) unsubscribe = wake.onChanged((changed) => look(feeds.get(changed)));
    feeds.set(organizationUid, feed);
    return feed;
  };

  const leave = (organizationUid: string, feed: Feed) => {
    feed.watchers -= 1;
    watchers -= 1;
    if (feed.watchers === 0) {
      if (feeds.get(organizationUid) === feed) feeds.delete(organizationUid);
      feed.hurry();
    }
    if (watchers === 0) unsubscribe();
  };

  return {
    watch: async function* (organizationUid, signal) {
      const feed = enter(organizationUid);
      try {
        // What was read before the watcher came may be older than what its caller has just done.
        const own = feed.begun + 1;
        if (feed.begun === 0) void run(organizationUid, feed);
        else look(feed);
        await until(feed, signal, () => feed.ended >= own);
        while (!signal.aborted) {
          const { snapshot } = feed;
          yield snapshot;
          await until(feed, signal, () => feed.snapshot !== snapshot);
        }
      } finally {
        leave(organizationUid, feed);
      }
    },
  };
}

/** Resolves when the condition holds after a read, or at the signal. Throws what reading threw. */
async function until(feed: Feed, signal: AbortSignal, condition: () => boolean): Promise<void> {
  while (!condition() && !signal.aborted && !feed.failure) {
    await new Promise<void>((resolve) => {
      const proceed = () => {
        feed.waiting.delete(proceed);
        signal.removeEventListener('abort', proceed);
        resolve();
      };
      feed.waiting.add(proceed);
      signal.addEventListener('abort', proceed);
    });
  }
  if (feed.failure && !signal.aborted) throw feed.failure.error;
}

function pause(ms: number, early: (end: () => void) => void = () => {}): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    timer.unref();
    early(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}

/** Keeps what is the same, so that what differs is what changed. */
function merge(before: RunnerSnapshot, views: readonly RunnerView[]): RunnerSnapshot {
  const after = new Map(
    views.map((view): [string, RunnerEntry] => {
      const facts = factsOf(view);
      const known = before.get(view.uid);
      if (known?.facts === facts) return [view.uid, known];
      return [view.uid, { slug: view.slug, facts, runner: create(RunnerSchema, runnerMessage(view)) }];
    }),
  );
  const same = after.size === before.size && [...after].every(([uid, entry]) => before.get(uid) === entry);
  return same ? before : after;
}

/** Without the time of an online runner, which is always now. */
function factsOf(view: RunnerView): string {
  return JSON.stringify({ ...view, last_seen_time: view.online_instances > 0 ? null : view.last_seen_time });
}

function tooMany() {
  return quota('TOO_MANY_WATCHERS', 'too many callers watch runners', {
    hint: 'planton runner list, or try again later',
  });
}
