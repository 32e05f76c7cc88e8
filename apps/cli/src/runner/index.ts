import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addRunnerDelete } from './delete.ts';
import { addRunnerGet } from './get.ts';
import { addRunnerList } from './list.ts';
import { addRunnerPing } from './ping.ts';
import { addRunnerRegister } from './register.ts';
import { addRunnerRevoke } from './revoke.ts';
import { addRunnerStart } from './start.ts';
import { addTokenCreate } from './token/create.ts';
import { addTokenList } from './token/list.ts';
import { addTokenRevoke } from './token/revoke.ts';
import { addRunnerUsages } from './usages.ts';

export function addRunner(program: Command, cli: Cli): void {
  const runner = program.command('runner');
  addRunnerRegister(runner, cli);
  addRunnerStart(runner, cli);
  addRunnerList(runner, cli);
  addRunnerGet(runner, cli);
  addRunnerPing(runner, cli);
  addRunnerRevoke(runner, cli);
  addRunnerDelete(runner, cli);
  addRunnerUsages(runner, cli);

  const token = runner
    .command('token')
    .description('Manage the tokens that let instances of a runner enrol.');
  addTokenCreate(token, cli);
  addTokenList(token, cli);
  addTokenRevoke(token, cli);
}
