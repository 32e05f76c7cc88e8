import type { Command } from 'commander';
import { addCredentials } from '../credentials/credentials.ts';
import { addExec } from '../credentials/exec.ts';
import type { Cli } from '../terminal/terminal.ts';
import { addAuthorizationDelete } from './authorization/delete.ts';
import { addAuthorizationGet } from './authorization/get.ts';
import { addAuthorizationList } from './authorization/list.ts';
import { addAuthorizationSet } from './authorization/set.ts';
import { addDefaultGet } from './default/get.ts';
import { addDefaultList } from './default/list.ts';
import { addDefaultSet } from './default/set.ts';
import { addDefaultUnset } from './default/unset.ts';
import { addConnectionList } from './list.ts';
import { addResolve } from './resolve.ts';
import { addRevisions } from './revisions.ts';
import { addVerify } from './verify.ts';

export function addConnection(program: Command, cli: Cli): void {
  const connection = program.command('connection');
  addConnectionList(connection, cli);
  addVerify(connection, cli);
  addResolve(connection, cli);
  addRevisions(connection, cli);
  addCredentials(connection, cli);
  addExec(connection, cli);

  const standard = connection
    .command('default')
    .description('Choose which connection is used where none is named.');
  addDefaultSet(standard, cli);
  addDefaultGet(standard, cli);
  addDefaultList(standard, cli);
  addDefaultUnset(standard, cli);

  const authorization = connection
    .command('authorization')
    .description('Say in which environments a connection may be used.');
  addAuthorizationSet(authorization, cli);
  addAuthorizationGet(authorization, cli);
  addAuthorizationList(authorization, cli);
  addAuthorizationDelete(authorization, cli);
}
