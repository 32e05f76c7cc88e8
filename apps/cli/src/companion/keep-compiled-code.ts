import { mkdirSync } from 'node:fs';
import { enableCompileCache } from 'node:module';
import { join } from 'node:path';

/**
 * Keeps what Node compiles for the next start. In a folder of the user's alone: whoever can write to it decides what runs. Where
 * it cannot be made, every start compiles anew.
 *
 * @param configHome the CLI's own folder
 * @param name the program that is started
 */
export function keepCompiledCode(configHome: string, name: string): void {
  const folder = join(configHome, 'cache', name);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  } catch {
    return;
  }
  enableCompileCache(folder);
}
