import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';
import { addLogin } from './login.ts';
import { addLogout } from './logout.ts';
import { addWhoAmI } from './whoami.ts';

export function addAuth(program: Command, cli: Cli): void {
  const auth = program.command('auth');
  addLogin(auth, cli);
  addLogout(auth, cli);
  addWhoAmI(auth, cli);
}
