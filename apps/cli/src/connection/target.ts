import type { Command } from 'commander';

/** What a connection is resolved for. */
export interface Target {
  readonly provider?: string;
  readonly connection?: string;
  readonly env?: string;
}

/** Adds the options that say what a connection is resolved for. */
export function withTarget(command: Command): Command {
  return command
    .option('--provider <name>', 'provider, such as aws; not needed while only one has connections')
    .option('--connection <name>', 'name or slug of a connection; wins over every default')
    .option('--env <slug>', 'environment; from PLANTON_ENV or the context if left out');
}
