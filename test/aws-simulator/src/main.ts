import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { parseAccounts } from './identities/parse-accounts.ts';
import { startAwsSimulator } from './server/start-simulator.ts';

const USAGE =
  'Usage: node main.ts [--config FILE] [--port PORT]\nWithout FILE the accounts are read from stdin.\n';

/** Serves until it is told to stop; its only line on stdout is the URL. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' }, port: { type: 'string' } } });
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port is not a port number');
  const config =
    values.config === undefined ? await text(process.stdin) : await readFile(values.config, 'utf8');
  const simulator = await startAwsSimulator({ accounts: parseAccounts(config), listen: { port } });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.stop());
  process.stdout.write(`${simulator.url}\n`);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`aws-simulator: ${error instanceof Error ? error.message : 'failed'}\n${USAGE}`);
  process.exitCode = 1;
}
