import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addApiKeyCreate } from './create.ts';
import { addApiKeyList } from './list.ts';
import { addApiKeyRevoke } from './revoke.ts';

export function addApiKey(program: Command, cli: Cli): void {
  const apiKey = program.command('api-key');
  addApiKeyCreate(apiKey, cli);
  addApiKeyList(apiKey, cli);
  addApiKeyRevoke(apiKey, cli);
}
