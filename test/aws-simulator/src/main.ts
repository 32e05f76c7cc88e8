import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { type Configuration, parseConfiguration } from './configuration/parse-configuration.ts';
import { startAwsSimulator } from './server/start-simulator.ts';

const USAGE = `Usage: node main.ts [--config FILE] [--port PORT]
Serves STS and CloudFormation, and the console's quick-create page at /cloudformation/home: open a quick-create link with
https://console.aws.amazon.com replaced by the URL that is printed.
Without FILE the configuration is read from stdin:
  {"accounts": [{"id", "users": [{"name", "accessKeys": [{"accessKeyId", "secretAccessKey"}]}],
                 "roles": [{"name", "trustPolicy", "policies": {NAME: DOCUMENT}, "managedPolicyArns", "permissionsBoundaryArn"}],
                 "managedPolicies": [{"name", "document"}]}],
   "consoleAccount": whose console the page is, the first account by default,
   "templates": {URL: FILE}, for templates that are not fetched from this machine,
   "clockFactor": how many times faster timeouts of templates are over}
`;

/** Serves until it is told to stop; its only line on stdout is the URL. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { config: { type: 'string' }, port: { type: 'string' } } });
  const port = Number(values.port ?? 0);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new Error('--port is not a port number');
  const source =
    values.config === undefined ? await text(process.stdin) : await readFile(values.config, 'utf8');
  const configuration = parseConfiguration(source);
  const folder = values.config === undefined ? '.' : dirname(values.config);
  const simulator = await startAwsSimulator({
    ...configuration,
    templates: await readTemplates(configuration, folder),
    listen: { port },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void simulator.stop());
  process.stdout.write(`${simulator.url}\n`);
}

/** Files are found from the folder of the configuration. */
async function readTemplates(
  { templates }: Configuration,
  folder: string,
): Promise<Readonly<Record<string, string>>> {
  const read = async ([url, file]: readonly [string, string]) =>
    [url, await readFile(resolve(folder, file), 'utf8')] as const;
  return Object.fromEntries(await Promise.all(Object.entries(templates).map(read)));
}

try {
  await main();
} catch (error) {
  process.stderr.write(`aws-simulator: ${error instanceof Error ? error.message : 'failed'}\n${USAGE}`);
  process.exitCode = 1;
}
