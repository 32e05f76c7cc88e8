import type { Command } from 'commander';
import type { Cli } from '../../terminal/terminal.ts';
import { addPolicyGet } from './get.ts';
import { addPolicySet } from './set.ts';

export function addPolicy(org: Command, cli: Cli): void {
  const policy = org
    .command('policy')
    .description('What the organisation demands of the use of its connections.');
  addPolicyGet(policy, cli);
  addPolicySet(policy, cli);
}
