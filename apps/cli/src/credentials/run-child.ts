import { spawn } from 'node:child_process';
import { constants } from 'node:os';
import { CliError } from '../errors/cli-error.ts';
import type { Env } from './aws/child-environment.ts';

const forwarded: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'];
// The terminal itself sends these to the command, which shares the process group: a second one could mean "now, by force".
const fromTerminal = new Set<NodeJS.Signals>(['SIGINT', 'SIGQUIT']);

/**
 * Runs a command to its end with our standard streams and answers its exit code, 128 + n if signal n ended it. Signals that
 * reach us are passed on, and we outlive the command.
 */
export function runChild(words: readonly string[], env: Env, terminal: boolean): Promise<number> {
  const [command = '', ...args] = words;
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: 'inherit' });
    const handlers = forwarded.map((signal) => {
      const handler = () => {
        if (!(terminal && fromTerminal.has(signal))) child.kill(signal);
      };
      return [signal, handler] as const;
    });
    const others = process.listeners('SIGINT');
    process.removeAllListeners('SIGINT');
    for (const [signal, handler] of handlers) process.on(signal, handler);
    const settle = () => {
      for (const [signal, handler] of handlers) process.off(signal, handler);
      for (const listener of others) process.on('SIGINT', listener);
    };

    child.once('error', (error) => {
      settle();
      reject(startError(command, error));
    });
    child.once('exit', (code, signal) => {
      settle();
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
    });
  });
}

function startError(command: string, error: Error): CliError {
  const code = 'code' in error ? String(error.code) : 'unknown reason';
  if (code === 'ENOENT')
    return new CliError(`${command}: there is no such command`, {
      exitCode: 127,
      hint: 'is it installed and in PATH?',
    });
  return new CliError(
    `${command} could not be started: ${code === 'EACCES' ? 'it is not executable' : code}`,
    { exitCode: 126 },
  );
}
