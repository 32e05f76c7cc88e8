import type { Command } from 'commander';
import { addUsages } from '../secret/usages.ts';
import type { Cli } from '../terminal/terminal.ts';
import { addVariableDelete } from './delete.ts';
import { addVariableGet } from './get.ts';
import { addVariableList } from './list.ts';
import { addVariableSet } from './set.ts';

export function addVariable(program: Command, cli: Cli): void {
  const variable = program.command('variable');
  addVariableSet(variable, cli);
  addVariableGet(variable, cli);
  addVariableList(variable, cli);
  addVariableDelete(variable, cli);
  addUsages(variable, cli, 'variable');
}
