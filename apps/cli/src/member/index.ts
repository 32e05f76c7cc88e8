import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addInvitation } from './invitation/index.ts';
import { addMemberInvite } from './invite.ts';
import { addMemberList } from './list.ts';
import { addMemberRemove } from './remove.ts';
import { addMemberSet } from './set.ts';

export function addMember(program: Command, cli: Cli): void {
  const member = program.command('member');
  addMemberList(member, cli);
  addMemberInvite(member, cli);
  addInvitation(member, cli);
  addMemberSet(member, cli);
  addMemberRemove(member, cli);
}
