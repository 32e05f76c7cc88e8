/**
 * Bundles the runner into one file that Node 24 runs with nothing beside it: `node scripts/bundle.ts [OUTPUT]`. The image and
 * `planton runner start` of an installed CLI use it.
 */
import { chmod, mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const output = process.argv[2] ?? at('../dist/planton-runner.mjs');

await mkdir(dirname(output), { recursive: true });
await build({
  entryPoints: [at('../src/main.ts')],
  outfile: output,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node24',
  mainFields: ['module', 'main'],
  minify: true,
  // The names of errors are what failures of AWS are told apart by.
  keepNames: true,
  charset: 'ascii',
  legalComments: 'none',
  logLevel: 'warning',
  // Some packages are CommonJS and ask for Node's own modules by `require`.
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as requireFor } from 'node:module';\nconst require = requireFor(import.meta.url);",
  },
});
await chmod(output, 0o755);
