import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addEnvCreate } from './create.ts';
import { addEnvDelete } from './delete.ts';
import { addEnvList } from './list.ts';

export function addEnv(program: Command, cli: Cli): void {
  const env = program.command('env');
  addEnvCreate(env, cli);
  addEnvList(env, cli);
  addEnvDelete(env, cli);
}
