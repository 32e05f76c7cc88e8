import { constants } from 'node:os';

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Work was cut short by a signal. */
export class Interrupted extends Error {
  /** 128 + the number of the signal: 130 for Ctrl-C. */
  readonly exitCode: number;

  constructor(signal: (typeof signals)[number]) {
    super('interrupted');
    this.name = 'Interrupted';
    this.exitCode = 128 + constants.signals[signal];
  }
}

/**
 * Does work that Ctrl-C, or another signal that asks the process to end, aborts with `Interrupted`, so that it can clean up and say how
 * things stand. The next such signal ends the process as it does elsewhere.
 */
export async function untilInterrupted<T>(work: (aborted: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController();
  const aside = signals.map((signal) => [signal, process.listeners(signal)] as const);
  const restore = () => {
    for (const [signal, listeners] of aside) {
      process.removeListener(signal, interrupt);
      for (const listener of listeners)
        if (!process.listeners(signal).includes(listener)) process.on(signal, listener);
    }
  };
  const interrupt = (signal: (typeof signals)[number]) => {
    restore();
    controller.abort(new Interrupted(signal));
  };
  for (const [signal, listeners] of aside) {
    for (const listener of listeners) process.removeListener(signal, listener);
    process.on(signal, interrupt);
  }
  try {
    return await work(controller.signal);
  } finally {
    restore();
  }
}
