import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addAccountDisable } from './disable.ts';
import { addAccountEnable } from './enable.ts';
import { addAccountList } from './list.ts';
import { addAccountPasswordLink } from './password-link.ts';

export function addAccount(program: Command, cli: Cli): void {
  const account = program.command('account');
  addAccountList(account, cli);
  addAccountDisable(account, cli);
  addAccountEnable(account, cli);
  addAccountPasswordLink(account, cli);
}
