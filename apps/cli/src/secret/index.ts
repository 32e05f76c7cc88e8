import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addSecretDelete } from './delete.ts';
import { addSecretDestroy } from './destroy.ts';
import { addSecretGet } from './get.ts';
import { addSecretList } from './list.ts';
import { addSecretRollback } from './rollback.ts';
import { addSecretSet } from './set.ts';
import { addSecretUndelete } from './undelete.ts';
import { addUsages } from './usages.ts';
import { addSecretVersions } from './versions.ts';

export function addSecret(program: Command, cli: Cli): void {
  const secret = program.command('secret');
  addSecretSet(secret, cli);
  addSecretGet(secret, cli);
  addSecretList(secret, cli);
  addSecretVersions(secret, cli);
  addSecretRollback(secret, cli);
  addSecretDelete(secret, cli);
  addSecretUndelete(secret, cli);
  addSecretDestroy(secret, cli);
  addUsages(secret, cli, 'secret');
}
