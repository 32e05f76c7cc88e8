import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addOrgCreate } from './create.ts';
import { addOrgList } from './list.ts';
import { addPolicy } from './policy/index.ts';

export function addOrg(program: Command, cli: Cli): void {
  const org = program.command('org');
  addOrgCreate(org, cli);
  addOrgList(org, cli);
  addPolicy(org, cli);
}
