/**
 * The main job end to end, offline, in a temporary folder and on free ports: the control plane, the AWS simulator and the
 * tutorial's three paths through the real command line: an AWS client uses credentials that it was given, a stack makes a role that
 * trusts the platform, and a runner with credentials of its own, which the control plane never holds, answers for the account.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type AwsSimulator, startAwsSimulator } from '@planton/aws-simulator';
import {
  connectAccount,
  inAws,
  PLATFORM_PRINCIPAL,
  type Platform,
  platformAccount,
  startPlatform,
  startRunner,
} from '@planton/test-platform';
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

async function demonstrate(platform: Platform, aws: AwsSimulator): Promise<void> {
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
  const arn = await type(exec, 0, { AWS_ENDPOINT_URL_STS: aws.url });
  if (arn.trim() !== 'arn:aws:iam::123456789012:user/planton') throw new Error(`STS saw ${arn}`);

  heading('The platform runner, which holds the way to AWS, tries the connection');
  await type('planton connection verify my-aws-connection');

  heading('Path B: a stack in the account makes a role that trusts the platform');
  await connectByStack(platform, aws);
  await type('planton get AwsProviderConnection prod-aws');
  await type('planton connection verify prod-aws');
  await type('planton connection default set --provider aws --connection prod-aws --env production');
  const assumed = await type(exec, 0, { AWS_ENDPOINT_URL_STS: aws.url });
  if (!/^arn:aws:sts::123456789012:assumed-role\/PlantonConnect-prod-aws-/.test(assumed.trim()))
    throw new Error(`STS saw ${assumed}`);
  const issued = aws
    .requests()
    .flatMap(({ assumeRole }) => (assumeRole?.sourceIdentity === 'instance-owner' ? [assumeRole] : []));
  say(
    indent(
      `\nCloudTrail shows whose session it is: ${JSON.stringify(Object.fromEntries(issued[0]?.tags ?? []))}`,
    ),
  );
  await type('planton secret set prod-aws-external-id value=mine', 5);

  heading("Path C: a runner in the customer's network");
  await type('planton runner register --name my-aws-runner --yes');
  say('\n  $ planton runner start      (in a process of its own, with AWS credentials of its own)');
  const runner = await startRunner(platform, {
    env: {
      AWS_ACCESS_KEY_ID: RUNNER_ACCESS_KEY_ID,
      AWS_SECRET_ACCESS_KEY: RUNNER_SECRET_ACCESS_KEY,
      AWS_ENDPOINT_URL_STS: aws.url,
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

/** Types `planton connect aws`, and does in the console of AWS what a person does there. */
async function connectByStack(platform: Platform, aws: AwsSimulator): Promise<void> {
  const args = ['--name', 'prod-aws', '--org', 'your-org', '--account-id', '123456789012'];
  say(`\n  $ planton connect aws ${args.join(' ')}`);
  const connecting = connectAccount(platform, args);
  const link = await connecting.link;
  const { stackId, name } = await aws.quickCreate(link);
  const { code, stdout, stderr } = await connecting.ended;
  // The link holds a token that is for whoever creates the stack alone.
  say(indent(`${stderr.replace(link, link.replace(/(param_CallbackToken=)[^&]+/, '$1…'))}${stdout}`));
  if (code !== 0) throw new Error(`"planton connect aws" ended with ${code}`);
  const { status, resources } = await aws.waitForStack(stackId);
  say(indent(`\nIn the account, stack ${name} is ${status}, with ${resources.length} resources:`));
  for (const { type, logicalId } of resources) say(indent(`  ${type.padEnd(24)} ${logicalId}`));
}

/** The runner's key is nowhere but in the runner; that of path A is in no log. */
function checkNothingLeaked(platform: Platform, aws: AwsSimulator): void {
  const externalIds = aws.requests().flatMap(({ assumeRole }) => assumeRole?.externalId ?? []);
  for (const secret of [
    RUNNER_SECRET_ACCESS_KEY,
    RUNNER_ACCESS_KEY_ID,
    TUTORIAL_SECRET_ACCESS_KEY,
    ...new Set(externalIds),
  ]) {
    const files = filesThatHold(platform.dataDir, secret);
    if (files.length > 0) throw new Error(`${secret.slice(0, 8)}… is in ${files.join(', ')}`);
    if (platform.log().includes(secret))
      throw new Error(`${secret.slice(0, 8)}… is in the log of the server`);
  }
  say(
    "\n  The runner's AWS key is in no file and no log of the control plane; stored keys and external IDs are encrypted.",
  );
}

const started = performance.now();
const simulator = await startAwsSimulator({ accounts: [tutorialAccount, platformAccount] });
try {
  heading('Start');
  say(
    '  The control plane with its embedded database, and an AWS that checks signatures and evaluates policies.',
  );
  say(`  The platform runner is ${PLATFORM_PRINCIPAL} there.`);
  const platform = await startPlatform({ env: inAws(simulator) });
  try {
    await demonstrate(platform, simulator);
    await platform.end('SIGTERM');
    checkNothingLeaked(platform, simulator);
  } finally {
    await platform.stop();
  }
  say(
    `\nDone in ${((performance.now() - started) / 1000).toFixed(1)} s; nothing is left behind. Next: make up`,
  );
} finally {
  await simulator.stop();
}
