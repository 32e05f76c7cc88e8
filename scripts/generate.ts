/**
 * Generates libs/api from proto/. `--check` changes nothing and fails when what is committed differs.
 */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { file_buf_validate_validate } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { printFieldComments } from './print-field-comments.ts';
import { printProto } from './print-proto.ts';

const root = join(import.meta.dirname, '..');
const committed = join(root, 'libs/api/src/gen');

function generate(target: string): void {
  mkdirSync(join(root, '.proto-deps/buf/validate'), { recursive: true });
  writeFileSync(
    join(root, '.proto-deps/buf/validate/validate.proto'),
    printProto(file_buf_validate_validate),
  );
  rmSync(target, { recursive: true, force: true });
  const scratch = mkdtempSync(join(tmpdir(), 'planton-generate-'));
  try {
    buf('generate', '--output', scratch);
    cpSync(join(scratch, 'libs/api/src/gen'), target, { recursive: true });
    const image = join(scratch, 'image.binpb');
    buf('build', '--as-file-descriptor-set', '--output', image);
    writeFileSync(join(target, 'field_comments.ts'), printFieldComments(readFileSync(image)));
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function buf(...args: string[]): void {
  execFileSync(join(root, 'node_modules/.bin/buf'), args, { cwd: root, stdio: 'inherit' });
}

function snapshot(directory: string): Map<string, string> {
  const files = readdirSync(directory, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new Map(
    files.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(directory.length), readFileSync(path, 'utf8')];
    }),
  );
}

if (process.argv.includes('--check')) {
  const fresh = mkdtempSync(join(tmpdir(), 'planton-generated-'));
  try {
    generate(fresh);
    const [have, want] = [snapshot(committed), snapshot(fresh)];
    const stale = [...new Set([...have.keys(), ...want.keys()])].filter(
      (path) => have.get(path) !== want.get(path),
    );
    if (stale.length > 0) {
      process.stderr.write(`error: generated code is stale: ${stale.join(', ')}\nhint: make gen\n`);
      process.exitCode = 1;
    }
  } finally {
    rmSync(fresh, { recursive: true, force: true });
  }
} else {
  generate(committed);
}
