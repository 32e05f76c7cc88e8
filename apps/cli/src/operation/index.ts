import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addOperationCancel } from './cancel.ts';
import { addOperationGet } from './get.ts';
import { addOperationList } from './list.ts';

export function addOperation(program: Command, cli: Cli): void {
  const operation = program.command('operation');
  addOperationList(operation, cli);
  addOperationGet(operation, cli);
  addOperationCancel(operation, cli);
}
