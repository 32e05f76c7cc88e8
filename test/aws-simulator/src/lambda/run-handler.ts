import { createRequire } from 'node:module';
import { join } from 'node:path';
import { cutNetwork } from './cut-network.ts';
import type { Job, Report } from './job.ts';

// The program of the process that a function runs in. It is told one job over its channel and ends with the handler.

type Callback = (error?: unknown, value?: unknown) => void;
type Handler = (event: unknown, context: object, callback: Callback) => unknown;

process.once('message', (job: Job) => {
  process.channel?.unref();
  void run(job).then(
    () => report({ kind: 'returned' }),
    (error: unknown) =>
      report({ kind: 'failed', error: error instanceof Error ? error.message : String(error) }),
  );
});

async function run(job: Job): Promise<void> {
  cutNetwork(job.network);
  const path = join(job.folder, 'index.js');
  const handler: unknown = createRequire(path)(path)[job.exported];
  if (typeof handler !== 'function') throw new Error(`index.${job.exported} is undefined or not exported`);
  await new Promise<void>((resolve) => process.send?.({ kind: 'started' } satisfies Report, () => resolve()));
  await call(handler as Handler, job);
}

/** A promise ends the function when it is settled; without one it ends when nothing is left to do. */
function call(handler: Handler, { event, context, timeoutMilliseconds }: Job): Promise<unknown> {
  const deadline = Date.now() + timeoutMilliseconds;
  return new Promise((resolve, reject) => {
    const end: Callback = (error, value) => (error == null ? resolve(value) : reject(error));
    const endWhenIdle: Callback = (error, value) => void process.once('beforeExit', () => end(error, value));
    const returned: unknown = handler(
      event,
      {
        ...context,
        callbackWaitsForEmptyEventLoop: true,
        getRemainingTimeInMillis: () => Math.max(0, deadline - Date.now()),
        done: end,
        succeed: (value: unknown) => end(undefined, value),
        fail: (error: unknown) => end(error ?? new Error('failed')),
      },
      endWhenIdle,
    );
    if (returned instanceof Promise) returned.then(resolve, reject);
    else endWhenIdle();
  });
}

/** Work that is left behind is frozen by Lambda; here it ends. */
function report(message: Report): void {
  process.send?.(message, () => process.exit(0));
}
