/**
 * The main job end to end, offline, in a temporary folder and on free ports: the control plane, the AWS simulator and the
 * tutorial's path A through the real command line, ending with an AWS client that uses the credentials.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAwsSimulator } from '@planton/aws-simulator';
import { type Platform, startPlatform } from '@planton/test-platform';
import { awsConnectionManifest, TUTORIAL_ACCESS_KEY_ID, TUTORIAL_SECRET_ACCESS_KEY } from './manifests.ts';

const node = join(import.meta.dirname, '../../../node_modules/.bin/node');
const callSts = join(import.meta.dirname, 'call-sts.ts');

const say = (text: string) => process.stdout.write(`${text}\n`);
const heading = (text: string) => say(`\n── ${text} ${'─'.repeat(Math.max(2, 90 - text.length))}`);
const indent = (text: string) => text.trimEnd().replace(/^/gm, '    ');

async function demonstrate(platform: Platform, awsUrl: string): Promise<void> {
  /** Types a command and shows what it answers; fails the demo when the command fails otherwise than expected. */
  const type = async (line: string, expected = 0, env: NodeJS.ProcessEnv = {}) => {
    say(`\n  $ ${line}`);
    const [, ...args] = line.split(' ');
    const { code, stdout, stderr } = await platform.cli(args, { env: { ...platform.env, ...env } });
    if (stdout || stderr) say(indent(stderr + stdout));
    if (code !== expected) throw new Error(`"${line}" ended with ${code}, expected ${expected}`);
    return stdout;
  };

  heading('Sign in, an organisation, an environment');
  await platform.signInAsOwner();
  await type('planton auth whoami');
  await type('planton org create your-org');
  await type('planton env create production');

  heading('Path A: the access key becomes two secrets');
  await type(`planton secret set aws-access-key-id value=${TUTORIAL_ACCESS_KEY_ID}`);
  await type(`planton secret set aws-secret-access-key value=${TUTORIAL_SECRET_ACCESS_KEY}`);

  heading('Path A: the connection refers to them by slug');
  writeFileSync(join(platform.home, '..', 'aws-connection.yaml'), awsConnectionManifest);
  say(indent(awsConnectionManifest));
  await type('planton apply -f aws-connection.yaml');
  await type('planton get AwsProviderConnection my-aws-connection');
  await type('planton secret usages aws-access-key-id');

  heading('The default, and which connection applies');
  await type('planton connection default set --provider aws --connection my-aws-connection');
  await type('planton connection default list');
  await type('planton connection resolve --env production --explain');

  heading('An AWS client calls STS with the credentials it was given');
  const exec = `planton connection exec --env production -- ${node} ${callSts}`;
  const arn = await type(exec, 0, { AWS_ENDPOINT_URL_STS: awsUrl });
  if (arn.trim() !== 'arn:aws:iam::123456789012:user/planton') throw new Error(`STS saw ${arn}`);

  heading('What is in use cannot be deleted; what was read is on record');
  await type('planton secret delete aws-access-key-id', 5);
  await type('planton audit list');
}

const started = performance.now();
const simulator = await startAwsSimulator({
  accounts: [
    {
      id: '123456789012',
      users: [
        {
          name: 'planton',
          accessKeys: [{ accessKeyId: TUTORIAL_ACCESS_KEY_ID, secretAccessKey: TUTORIAL_SECRET_ACCESS_KEY }],
        },
      ],
    },
  ],
});
try {
  heading('Start');
  say('  The control plane with its embedded database, and an AWS that checks signatures.');
  const platform = await startPlatform();
  try {
    await demonstrate(platform, simulator.url);
    const leaked = platform.log().includes(TUTORIAL_SECRET_ACCESS_KEY);
    if (leaked) throw new Error('the secret access key is in the log of the server');
  } finally {
    await platform.stop();
  }
  say(
    `\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s; nothing is left behind. Next: make up`,
  );
} finally {
  await simulator.stop();
}
