import type { Command } from 'commander';
import { type Cli, print } from '../terminal/terminal.ts';
import { version } from './version.ts';

export function addVersion(program: Command, cli: Cli): void {
  program.command('version').action(() => print(cli, `planton ${version}`));
}
