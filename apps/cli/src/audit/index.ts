import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addAuditList } from './list.ts';

export function addAudit(program: Command, cli: Cli): void {
  addAuditList(program.command('audit'), cli);
}
