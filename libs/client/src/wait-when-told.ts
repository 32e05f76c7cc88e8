import { durationMs } from '@bufbuild/protobuf/wkt';
import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';

/** How often a call is sent again at most. */
const MOST_RETRIES = 3;

/** The longest pause that is waited out, in milliseconds; whoever is told of a longer one decides himself. */
const LONGEST_PAUSE_MS = 10_000;

/**
 * Waits where the server refuses a call for coming too often and says how long to wait, and sends it again: such a call was not carried
 * out, whatever it asks for. Streams are left alone. The deadline of the call covers the pauses.
 *
 * @param pause waits for so many milliseconds, or until the signal is aborted
 */
export function waitWhenTold(
  pause: (milliseconds: number, signal: AbortSignal) => Promise<void> = wait,
): Interceptor {
  return (next) => async (request) => {
    for (let retry = 0; ; retry++) {
      try {
        return await next(request);
      } catch (error) {
        const pauseMs = pauseOf(error);
        if (request.stream || retry >= MOST_RETRIES || pauseMs === undefined || request.signal.aborted)
          throw error;
        await pause(pauseMs, request.signal);
        if (request.signal.aborted) throw error;
      }
    }
  };
}

/** Milliseconds that the server asks to wait, where that is all that is wrong. */
function pauseOf(error: unknown): number | undefined {
  if (!(error instanceof ConnectError) || error.code !== Code.ResourceExhausted) return undefined;
  const [info] = error.findDetails(ErrorInfoSchema);
  if (info?.reason !== 'RATE_LIMITED' || !info.retryAfter) return undefined;
  const milliseconds = durationMs(info.retryAfter);
  return milliseconds <= LONGEST_PAUSE_MS ? milliseconds : undefined;
}

function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, milliseconds);
    signal.addEventListener('abort', done);
  });
}
