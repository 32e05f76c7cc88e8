import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addConnectAws } from './aws/connect.ts';

export function addConnect(program: Command, cli: Cli): void {
  const connect = program.command('connect');
  addConnectAws(connect, cli);
}
