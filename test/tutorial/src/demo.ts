/**
 * The main job end to end, offline, in a temporary folder and on free ports: the control plane, the AWS simulator and the
 * tutorial's paths A and C through the real command line: an AWS client uses credentials that it was given, and a runner with
 * credentials of its own, which the control plane never holds, answers for the account.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startAwsSimulator } from '@planton/aws-simulator';
import { type Platform, startPlatform, startRunner } from '@planton/test-platform';
import {
  awsConnectionManifest,
  RUNNER_ACCESS_KEY_ID,
  RUNNER_SECRET_ACCESS_KEY,
  runnerConnectionManifest,
  TUTORIAL_ACCESS_KEY_ID,
  TUTORIAL_SECRET_ACCESS_KEY,
  tutorialAccount,
} from './manifests.ts';
import { filesThatHold } from './search-files.ts';

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

  heading('The platform runner, which holds the way to AWS, tries the connection');
  await type('planton connection verify my-aws-connection');

  heading("Path C: a runner in the customer's network");
  await type('planton runner register --name my-aws-runner --yes');
  say('\n  $ planton runner start      (in a process of its own, with AWS credentials of its own)');
  const runner = await startRunner(platform, {
    env: {
      AWS_ACCESS_KEY_ID: RUNNER_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: RUNNER_SECRET_ACCESS_KEY,
      AWS_ENDPOINT_URL_STS: awsUrl,
    },
  });
  try {
    await type('planton runner list');
    writeFileSync(join(platform.home, '..', 'aws-runner-connection.yaml'), runnerConnectionManifest);
    say(indent(runnerConnectionManifest));
    await type('planton apply -f aws-runner-connection.yaml');
    await type('planton connection verify aws-runner');
    await type('planton get AwsProviderConnection aws-runner');
    await type('planton operation list');
    await type('planton connection credentials --connection aws-runner -o json', 5);
  } finally {
    await runner.end();
  }

  heading('What is in use cannot be deleted; what was done is on record');
  await type('planton secret delete aws-access-key-id', 5);
  await type('planton runner delete my-aws-runner', 5);
  await type('planton audit list');
}

/** The runner's key is nowhere but in the runner; that of path A is in no log. */
function checkNothingLeaked(platform: Platform): void {
  for (const secret of [RUNNER_SECRET_ACCESS_KEY, RUNNER_ACCESS_KEY_ID, TUTORIAL_SECRET_ACCESS_KEY]) {
    const files = filesThatHold(platform.dataDir, secret);
    if (files.length > 0) throw new Error(`${secret.slice(0, 8)}… is in ${files.join(', ')}`);
    if (platform.log().includes(secret))
      throw new Error(`${secret.slice(0, 8)}… is in the log of the server`);
  }
  say(
    "\n  The runner's AWS key is in no file and no log of the control plane; the stored keys are encrypted.",
  );
}

const started = performance.now();
const simulator = await startAwsSimulator({ accounts: [tutorialAccount] });
try {
  heading('Start');
  say('  The control plane with its embedded database, and an AWS that checks signatures.');
  const platform = await startPlatform({ env: { AWS_ENDPOINT_URL_STS: simulator.url } });
  try {
    await demonstrate(platform, simulator.url);
    await platform.end('SIGTERM');
    checkNothingLeaked(platform);
  } finally {
    await platform.stop();
  }
  say(
    `\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s; nothing is left behind. Next: make up`,
  );
} finally {
  await simulator.stop();
}
