import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addContextGet } from './get.ts';
import { addContextList } from './list.ts';
import { addContextSet } from './set.ts';
import { addContextUse } from './use.ts';

export function addContext(program: Command, cli: Cli): void {
  const context = program.command('context');
  addContextSet(context, cli);
  addContextGet(context, cli);
  addContextList(context, cli);
  addContextUse(context, cli);
}
