import { type ChildProcess, fork } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LambdaFunction } from './functions.ts';
import type { Job, Network, Report } from './job.ts';

const PROGRAM = fileURLToPath(new URL('./run-handler.ts', import.meta.url));
const LONGEST_LOG = 64 * 1024;
/** Milliseconds that a process may take before its handler is called, on a machine that is busy. */
const LONGEST_START = 60_000;
const MOST_RECORDS = 200;

/** One run of a function. */
export interface Invocation {
  readonly functionArn: string;
  readonly requestId: string;
  readonly event: Readonly<Record<string, unknown>>;
  /** Absent while it runs; `stopped` where the simulator was stopped meanwhile. */
  readonly outcome?: 'returned' | 'failed' | 'timed_out' | 'stopped';
  /** What it wrote, the first 64 KiB. */
  readonly log: string;
}

/** Runs functions, each time in a process of its own. */
export interface Invoker {
  /**
   * Runs a function so many times, one after the other; resolves when its handler is called for the first time. How it went is in the
   * records, and what came of it is the function's business.
   */
  invoke(definition: LambdaFunction, event: Invocation['event'], times: number): Promise<void>;
  /** The last 200, oldest first. */
  invocations(): readonly Invocation[];
  /** Resolves when nothing runs and nothing is about to. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

export interface InvokerOptions {
  /** How many times faster than said a timeout is over. */
  readonly clockFactor: number;
  readonly network: () => Network;
}

type MutableInvocation = { -readonly [Key in keyof Invocation]: Invocation[Key] };

export function invokeFunctions({ clockFactor, network }: InvokerOptions): Invoker {
  const records: MutableInvocation[] = [];
  const running = new Set<ChildProcess>();
  const pending = new Set<Promise<void>>();
  let stopped = false;

  const run = async (
    definition: LambdaFunction,
    record: MutableInvocation,
    started: () => void,
  ): Promise<void> => {
    const folder = await mkdtemp(join(tmpdir(), 'lambda-'));
    try {
      await writeFile(join(folder, 'index.js'), definition.code);
      await writeFile(join(folder, 'package.json'), '{"type":"commonjs"}');
      if (stopped) throw new Error('the simulator was stopped');
      const child = fork(PROGRAM, [], {
        cwd: folder,
        env: environmentOf(definition, folder),
        execArgv: [],
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      });
      const job: Job = {
        folder,
        exported: definition.exported,
        event: record.event,
        context: contextOf(definition, record.requestId),
        timeoutMilliseconds: (definition.timeoutSeconds * 1_000) / clockFactor,
        network: network(),
      };
      running.add(child);
      await follow(child, job, record, started);
      running.delete(child);
      if (stopped) record.outcome ??= 'stopped';
    } catch (error) {
      record.log += String(error);
    } finally {
      record.outcome ??= 'failed';
      await rm(folder, { recursive: true, force: true });
    }
  };

  const repeat = async (
    definition: LambdaFunction,
    event: Invocation['event'],
    times: number,
    started: () => void,
  ): Promise<void> => {
    for (let time = 0; time < times && !stopped; time++) {
      const record = { functionArn: definition.arn, requestId: randomUUID(), event, log: '' };
      records.push(record);
      if (records.length > MOST_RECORDS) records.shift();
      await run(definition, record, started);
    }
  };

  return {
    invoke: (definition, event, times) =>
      new Promise((resolve) => {
        const runs = repeat(definition, event, times, resolve).finally(() => {
          pending.delete(runs);
          resolve();
        });
        pending.add(runs);
      }),
    invocations: () => records.map((record) => ({ ...record })),
    idle: async () => {
      while (pending.size > 0) await Promise.all(pending);
    },
    stop: async () => {
      stopped = true;
      for (const child of running) child.kill('SIGKILL');
      await Promise.all(pending);
    },
  };
}

/** Gives a process its job and stays with it to its end. */
function follow(
  child: ChildProcess,
  job: Job,
  record: MutableInvocation,
  started: () => void,
): Promise<void> {
  return new Promise((resolve) => {
    const limit = (milliseconds: number) =>
      setTimeout(() => {
        record.outcome = 'timed_out';
        child.kill('SIGKILL');
      }, milliseconds);
    let timer = limit(LONGEST_START);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        record.log = (record.log + text).slice(0, LONGEST_LOG);
      });
    }
    child.on('message', (report: Report) => {
      if (report.kind === 'started') {
        clearTimeout(timer);
        timer = limit(job.timeoutMilliseconds);
        started();
      } else {
        record.outcome ??= report.kind;
        if (report.kind === 'failed') record.log += `${report.error}\n`;
      }
    });
    child.once('error', (error) => {
      record.log += `${error.message}\n`;
    });
    child.once('close', () => {
      clearTimeout(timer);
      resolve();
    });
    child.send(job, () => {});
  });
}

/** What Lambda tells every function, and nothing of this process's own environment. */
function environmentOf(definition: LambdaFunction, folder: string): Record<string, string> {
  const region = regionOf(definition);
  return {
    AWS_DEFAULT_REGION: region,
    AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(definition.memoryMegabytes),
    AWS_LAMBDA_FUNCTION_NAME: definition.name,
    AWS_LAMBDA_FUNCTION_VERSION: '$LATEST',
    AWS_REGION: region,
    LAMBDA_TASK_ROOT: folder,
    LANG: 'en_US.UTF-8',
    TZ: ':UTC',
    ...definition.environment,
  };
}

function contextOf(definition: LambdaFunction, requestId: string): Job['context'] {
  return {
    awsRequestId: requestId,
    functionName: definition.name,
    functionVersion: '$LATEST',
    invokedFunctionArn: definition.arn,
    logGroupName: `/aws/lambda/${definition.name}`,
    logStreamName: requestId,
    memoryLimitInMB: String(definition.memoryMegabytes),
  };
}

function regionOf({ arn }: LambdaFunction): string {
  return arn.split(':')[3] ?? '';
}
