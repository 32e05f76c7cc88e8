import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addAuditExport } from './export.ts';
import { addAuditList } from './list.ts';
import { addAuditVerify } from './verify.ts';

export function addAudit(program: Command, cli: Cli): void {
  const audit = program.command('audit');
  addAuditList(audit, cli);
  addAuditVerify(audit, cli);
  addAuditExport(audit, cli);
}
