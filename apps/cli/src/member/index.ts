import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addMemberList } from './list.ts';
import { addMemberRemove } from './remove.ts';
import { addMemberSet } from './set.ts';

export function addMember(program: Command, cli: Cli): void {
  const member = program.command('member');
  addMemberList(member, cli);
  addMemberSet(member, cli);
  addMemberRemove(member, cli);
}
