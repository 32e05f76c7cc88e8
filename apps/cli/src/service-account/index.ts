import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addServiceAccountCreate } from './create.ts';
import { addServiceAccountDelete } from './delete.ts';
import { addServiceAccountList } from './list.ts';

export function addServiceAccount(program: Command, cli: Cli): void {
  const serviceAccount = program.command('service-account');
  addServiceAccountCreate(serviceAccount, cli);
  addServiceAccountList(serviceAccount, cli);
  addServiceAccountDelete(serviceAccount, cli);
}
