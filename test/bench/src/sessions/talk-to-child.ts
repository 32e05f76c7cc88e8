import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';

/** Milliseconds that a child may take for one order. */
const ANSWER_LIMIT_MS = 300_000;

/** A process that is measured, or that measures, with a channel for orders and answers. */
export interface Child {
  readonly process: ChildProcess;
  /** Sends a message and waits for the next one from the child. Rejects when the child ends first. */
  ask<Answer>(message: unknown): Promise<Answer>;
  /** Waits for the next message from the child. */
  hear<Answer>(): Promise<Answer>;
  stop(): Promise<void>;
}

/** Bytes, after a garbage collection. */
export interface Memory {
  readonly rss: number;
  readonly heapUsed: number;
}

/** Loads `report-memory.ts` before a program, by its environment. */
export const memoryReporter = {
  NODE_OPTIONS: `--expose-gc --import ${join(import.meta.dirname, 'report-memory.ts')}`,
};

/** Starts a script with a channel, able to answer `memory`, see `report-memory.ts`. */
export function forkChild(script: string, args: readonly string[], env: NodeJS.ProcessEnv): Child {
  const child = fork(script, args, {
    env: { PATH: process.env.PATH, ...memoryReporter, ...env },
    execArgv: [],
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'json',
  });
  return talkTo(child, script);
}

/** Talks to a process that has a channel. */
export function talkTo(child: ChildProcess, name: string): Child {
  const hear = <Answer>() =>
    new Promise<Answer>((resolve, reject) => {
      const limit = setTimeout(
        () => finish(() => reject(new Error(`${name} says nothing`))),
        ANSWER_LIMIT_MS,
      );
      const onMessage = (message: Answer) => finish(() => resolve(message));
      const onExit = (code: number | null) => finish(() => reject(new Error(`${name} ended with ${code}`)));
      const finish = (settle: () => void) => {
        clearTimeout(limit);
        child.off('message', onMessage);
        child.off('exit', onExit);
        settle();
      };
      child.on('message', onMessage);
      child.on('exit', onExit);
    });
  return {
    process: child,
    hear,
    ask: (message) => {
      const answer = hear<never>();
      child.send(message as object);
      return answer;
    },
    stop: () =>
      new Promise((resolve) => {
        if (child.exitCode !== null || child.signalCode !== null) return resolve();
        child.once('exit', () => resolve());
        child.kill('SIGTERM');
        setTimeout(() => child.kill('SIGKILL'), 15_000).unref();
      }),
  };
}
