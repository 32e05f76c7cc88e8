/** Starts the server, leaves it running in the foreground, and prints the next commands ready to paste. */
import { spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const planton = join(root, 'bin/planton');
const listen = process.env.PLANTON_LISTEN ?? '127.0.0.1:8080';
const dataDir = process.env.PLANTON_DATA_DIR ?? join(homedir(), '.planton', 'server');
const url = `http://${listen}`;

const server = spawn(planton, ['server', 'start'], { stdio: 'inherit' });
server.on('close', (code) => process.exit(code ?? 1));
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => server.kill(signal));

const isReady = () =>
  fetch(`${url}/readyz`).then(
    (response) => response.ok,
    () => false,
  );
while (!(await isReady())) await new Promise((resolve) => setTimeout(resolve, 100));

process.stdout.write(`
Planton Connect listens on ${url}. In another terminal:

  export PATH="${join(root, 'bin')}:$PATH"${listen === '127.0.0.1:8080' ? '' : `\n  export PLANTON_SERVER=${url}`}
  planton auth login --api-key-file ${join(dataDir, 'bootstrap-api-key')}
  planton org create your-org
  planton env create production
  planton secret set aws-access-key-id value=AKIAIOSFODNN7EXAMPLE

Ctrl-C stops the server; what you made stays in ${dataDir}.
`);
