import type { Command } from 'commander';
import { keepCompiledCode } from '../companion/keep-compiled-code.ts';
import { runCompanion } from '../companion/run-companion.ts';
import { configHome } from '../settings/config-home.ts';
import type { Cli } from '../terminal/terminal.ts';

export function addServer(program: Command, cli: Cli): void {
  addServerTo(program, async (words) => {
    keepCompiledCode(configHome(cli), 'server');
    cli.exit(await runCompanion('server', words));
  });
}

/** Everything after `server` belongs to the server's own program, its help included. */
export function addServerTo(program: Command, hand: (words: readonly string[]) => Promise<void>): void {
  program
    .command('server')
    .argument('[args...]', 'start, template, … and their options')
    .helpOption(false)
    .allowUnknownOption()
    .action((_words: unknown, _options: unknown, command: Command) => hand(command.args));
}
