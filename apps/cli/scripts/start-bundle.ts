/**
 * The first lines of the bundle. The program is a comment at the end of the same file. It is compiled with the code that V8
 * made in earlier runs and that is kept in a file; unlike Node's own compile cache, which does not take the file that Node
 * starts with either, that holds every function that was called.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { crc32 } from 'node:zlib';
import { answerVersion } from '../src/version/version.ts';

/** Names the text of the program: V8 looks at nothing but its length. */
declare const BUILD: string;

const args = process.argv.slice(2);
const answer = answerVersion(args);
if (answer) {
  process.stdout.on('error', () => process.exit());
  process.stdout.write(`${answer}\n`);
} else startProgram();

function startProgram(): void {
  // Each command has its file: it holds what the command calls, and less is read faster.
  const name = /^[a-z-]+$/.exec(args[0] ?? '')?.[0] ?? 'other';
  const cachedData = readCode(name);
  const file = readFileSync(import.meta.filename, 'latin1');
  const source = file.slice(file.indexOf('\n//PROGRAM\n') + 1).replaceAll('\n//', '\n');
  const script = new Script(source, {
    filename: import.meta.filename,
    ...(cachedData ? { cachedData } : {}),
  });
  // A word that is no command fails, so there are no more files than commands.
  if (!cachedData || script.cachedDataRejected)
    process.on('exit', (exitCode) => {
      if (exitCode === 0) keepCode(name, script.createCachedData());
    });
  script.runInThisContext()(import.meta.url, (url: string) => import(url));
}

/** The code is in the CLI's own folder, because whoever can write to it decides what runs. */
function folder(): string {
  const { PLANTON_CONFIG_HOME, HOME } = process.env;
  return join(PLANTON_CONFIG_HOME || join(HOME || homedir(), '.planton'), 'cache');
}

/** Undefined where there is none or it is damaged: V8 checks nothing, and damaged code would end the process. */
function readCode(name: string): Buffer | undefined {
  try {
    const bytes = readFileSync(join(folder(), name));
    const end = bytes.indexOf('\n');
    const code = bytes.subarray(end + 1);
    return bytes.toString('latin1', 0, end) === headOf(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

/** What runs at the same time reads the old or the new file, never a part. */
function keepCode(name: string, code: Buffer): void {
  const temporary = join(folder(), `${name}.${process.pid}`);
  try {
    mkdirSync(folder(), { recursive: true, mode: 0o700 });
    try {
      const bytes = Buffer.concat([Buffer.from(`${headOf(code)}\n`), code]);
      writeFileSync(temporary, bytes, { mode: 0o600, flush: true });
      renameSync(temporary, join(folder(), name));
    } finally {
      rmSync(temporary, { force: true });
    }
  } catch {
    // Where nothing can be written every run compiles anew.
  }
}

function headOf(code: Buffer): string {
  return `${BUILD} ${crc32(code)}`;
}
