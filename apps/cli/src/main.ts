import { run } from './program/run.ts';

// A reader that has seen enough, such as `head`, is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
process.on('SIGINT', () => process.exit(130));

run(process.argv.slice(2), {
  env: process.env,
  // Node makes a stream when it is looked at, which takes longer than `version` does.
  get stdin() {
    return process.stdin;
  },
  get stdout() {
    return process.stdout;
  },
  get stderr() {
    return process.stderr;
  },
  get interactive() {
    return process.stdin.isTTY === true && process.stderr.isTTY === true;
  },
  get terminalOutput() {
    return process.stdout.isTTY === true;
  },
  now: () => new Date(),
}).then((exitCode) => {
  process.exitCode = exitCode;
});
