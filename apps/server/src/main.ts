import { renderTemplate } from '@planton/aws';
import { describeServerFlags, readServerSettings, runProcess } from '@planton/rpc';
import { describePublishing } from './aws-template/describe-publishing.ts';
import { takeCloudIdentity } from './platform-runner/take-cloud-identity.ts';
import { printOwnerLink } from './print-owner-link.ts';
import { startServer } from './start-server.ts';

const usage = `Usage: planton server start [flags]
       planton server template
       planton server owner-link [flags]

start     Starts every service in one process. Flags win over the environment variables PLANTON_LISTEN, PLANTON_DATA_DIR, …
template  Prints the CloudFormation template by which AWS accounts are connected, to publish it to S3; see template --help.
owner-link  Prints a link, good once and for a day, to set name, e-mail and password of the owner’s account. It takes the flags and
          variables that the server was started with.

Flags of start and owner-link:

${describeServerFlags()}
`;

/** The program behind `planton server`. Resolves with an exit code for what ends at once; `start` runs until it is told to end. */
export async function main(argv: readonly string[]): Promise<number> {
  const [command, ...rest] = argv;
  if (command === undefined || command === 'help' || argv.includes('--help') || argv.includes('-h')) {
    process.stdout.write(command === 'template' ? describePublishing() : usage);
    return 0;
  }
  if (command === 'template') return printTemplate(rest);
  if (command === 'owner-link') return printOwnerLink(rest);
  if (command !== 'start') {
    process.stderr.write(
      `error: there is no command "server ${command}"\nhint: planton server start --help\n`,
    );
    return 2;
  }
  const cloudIdentity = takeCloudIdentity(process.env);
  await runProcess(() => startServer(readServerSettings(rest, process.env), cloudIdentity));
  return 0;
}

function printTemplate(rest: readonly string[]): number {
  if (rest.length > 0) {
    process.stderr.write(
      'error: "server template" takes no arguments\nhint: planton server template > template.yaml\n',
    );
    return 2;
  }
  process.stdout.write(renderTemplate());
  return 0;
}

if (import.meta.main) process.exitCode = await main(process.argv.slice(2));
