import { setTimeout as sleep } from 'node:timers/promises';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError } from '@connectrpc/connect';
import { type AwsTrustSetup, AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { explainError } from '../../errors/explain-error.ts';
import type { Session } from '../../session/open-session.ts';

/** Milliseconds before the server is asked again, doubled up to the longest while streams do not last. */
const firstPause = 250;
const longestPause = 10_000;

/** Milliseconds after which a stream is opened anew: one whose network has gone is silent for ever. */
const streamTimeout = 120_000;

/** Milliseconds after its end at which nothing more is expected of a set-up. */
const patience = 600_000;

/** Codes that another attempt would answer with, too. */
const final = new Set<Code>([
  Code.NotFound,
  Code.Unauthenticated,
  Code.PermissionDenied,
  Code.FailedPrecondition,
  Code.AlreadyExists,
  Code.Unimplemented,
]);

export interface Watch {
  readonly session: Session & { readonly org: string };
  readonly setup: AwsTrustSetup;
  /** Ends the watch with its reason. */
  readonly signal: AbortSignal;
  readonly now: () => Date;
  readonly show: (setup: AwsTrustSetup) => void;
  /** Hears why a stream broke that is opened again. */
  readonly interrupt: (message: string) => void;
}

/**
 * Watches a set-up until it has ended, and answers it then. A stream that breaks is opened again, also one of a server that is started
 * again, and sends first how far the set-up is. What the server refuses is thrown.
 */
export async function watchSetup(watch: Watch): Promise<AwsTrustSetup> {
  const { setup, signal, now, show, interrupt } = watch;
  if (hasEnded(setup)) return setup;
  let pause = firstPause;
  for (;;) {
    signal.throwIfAborted();
    let heard = false;
    const begun = performance.now();
    const { broken, ended } = await readStream(watch, (current) => {
      heard = true;
      show(current);
    });
    if (ended) return ended;
    signal.throwIfAborted();
    if (broken !== undefined) {
      if (isFinal(broken) || isOver(setup, now())) throw broken;
      const old = heard && broken instanceof StreamTimeout;
      if (!old) interrupt(explainError(broken)?.message ?? 'the server is silent');
    }
    if (performance.now() - begun > longestPause) pause = firstPause;
    await sleep((pause * (1 + Math.random())) / 2, undefined, { signal }).catch(() =>
      signal.throwIfAborted(),
    );
    pause = Math.min(longestPause, pause * 2);
  }
}

/** Reads one stream and closes it: the set-up as it has ended, or why the stream broke, if it did. */
async function readStream(
  { session: { org, client }, setup, signal }: Watch,
  take: (current: AwsTrustSetup) => void,
): Promise<{ readonly ended?: AwsTrustSetup; readonly broken?: unknown }> {
  const stream = new AbortController();
  const timer = setTimeout(() => stream.abort(new StreamTimeout()), streamTimeout);
  try {
    const answers = client(ConnectionService).watchAwsTrustSetup(
      { org, setupUid: setup.uid },
      { timeoutMs: 0, signal: AbortSignal.any([signal, stream.signal]) },
    );
    for await (const { setup: current } of answers) {
      if (!current) continue;
      take(current);
      if (hasEnded(current)) return { ended: current };
    }
    return {};
  } catch (error) {
    return { broken: stream.signal.aborted ? stream.signal.reason : error };
  } finally {
    clearTimeout(timer);
    stream.abort();
  }
}

class StreamTimeout extends Error {}

/** Whether a set-up will not change any more. */
export function hasEnded({ state }: AwsTrustSetup): boolean {
  return (
    state === AwsTrustSetupState.COMPLETED ||
    state === AwsTrustSetupState.FAILED ||
    state === AwsTrustSetupState.EXPIRED
  );
}

/** An answer that was cut off between two messages counts as an invalid one, too; what the service itself finds invalid has a reason. */
function isFinal(error: unknown): boolean {
  if (error instanceof StreamTimeout) return false;
  const explained = explainError(error);
  if (!explained) return true;
  if (!(error instanceof ConnectError)) return false;
  return error.code === Code.InvalidArgument ? explained.reason !== '' : final.has(error.code);
}

function isOver({ expireTime }: AwsTrustSetup, now: Date): boolean {
  return expireTime !== undefined && now.getTime() > timestampDate(expireTime).getTime() + patience;
}
