import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type { WatchRunnersRequest, WatchRunnersResponseSchema } from '@planton/api/runner/v1/runner_service';
import { organizationCallerOf } from '@planton/rpc';
import { createRunnerFeeds, type FeedDeps, type RunnerSnapshot } from './runner-feed.ts';

type Response = MessageInitShape<typeof WatchRunnersResponseSchema>;

export function watchRunners(deps: FeedDeps) {
  const feeds = createRunnerFeeds(deps);

  return async function* (_request: WatchRunnersRequest, context: HandlerContext): AsyncGenerator<Response> {
    const { organization } = organizationCallerOf(context).membership;
    let before: RunnerSnapshot | undefined;
    for await (const snapshot of feeds.watch(organization.uid, context.signal)) {
      yield* changesOf(before ?? new Map(), snapshot);
      if (!before) yield { event: { case: 'complete', value: true } };
      before = snapshot;
    }
  };
}

/** What is gone first: its slug may have been made again. */
function* changesOf(before: RunnerSnapshot, after: RunnerSnapshot): Generator<Response> {
  for (const [uid, { slug }] of before) {
    if (!after.has(uid)) yield { event: { case: 'deleted', value: slug } };
  }
  for (const [uid, entry] of after) {
    if (before.get(uid) !== entry) yield { event: { case: 'runner', value: entry.runner } };
  }
}
