/**
 * Compares the contracts with those of `main`: outsiders' programs must keep working. On `main` itself the commit before
 * is the measure. A clone without either has nothing to compare with, and says so.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const git = (...args: string[]) => spawnSync('git', args, { cwd: root, encoding: 'utf8' });
const commitOf = (name: string) => git('rev-parse', '--verify', '--quiet', `${name}^{commit}`).stdout.trim();

const head = commitOf('HEAD');
const main = commitOf('origin/main') || commitOf('main');
const base = main && main !== head ? main : commitOf('HEAD~1');

if (!base || git('cat-file', '-e', `${base}:proto`).status !== 0) {
  process.stdout.write('proto: no earlier contracts to compare with\n');
} else {
  const before = mkdtempSync(join(tmpdir(), 'planton-contracts-'));
  try {
    const archive = execFileSync('git', ['archive', base, 'proto', 'buf.yaml'], { cwd: root });
    execFileSync('tar', ['-x', '-C', before], { input: archive });
    execFileSync('cp', ['-r', join(root, '.proto-deps'), before]);
    const result = spawnSync(join(root, 'node_modules/.bin/buf'), ['breaking', '--against', before], {
      cwd: root,
      stdio: 'inherit',
    });
    process.exitCode = result.status ?? 1;
  } finally {
    rmSync(before, { recursive: true, force: true });
  }
}
