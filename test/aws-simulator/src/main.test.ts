import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CUSTOMER_ACCOUNT, EXTERNAL_ID, ROLE_ACCOUNTS, TRUSTS_USER } from './testing/roles.ts';
import { KEY } from './testing/sign-request.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
const CONFIG = JSON.stringify({ accounts: ROLE_ACCOUNTS });

let folder: string;
const running = new Set<ReturnType<typeof run>>();

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aws-simulator-'));
  await writeFile(join(folder, 'accounts.json'), CONFIG, { mode: 0o600 });
});
afterEach(async () => {
  await Promise.all(Array.from(running, stop));
});
afterAll(() => rm(folder, { recursive: true }));

function run(...args: readonly string[]) {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'pipe' });
  running.add(child);
  return child;
}

async function stop(child: ReturnType<typeof run>) {
  running.delete(child);
  if (child.exitCode !== null) return child.exitCode;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await exit;
  return code;
}

async function urlOf(child: ReturnType<typeof run>) {
  const [chunk] = await once(child.stdout, 'data');
  return String(chunk).trim();
}

test('serves the accounts of a file until it is told to stop', async () => {
  const child = run('--config', join(folder, 'accounts.json'));
  const url = await urlOf(child);
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:[0-9]+$/);
  expect((await fetch(url)).status).toBe(403);
  expect(await stop(child)).toBe(0);
  await expect(fetch(url)).rejects.toThrow();
});

test('serves the console of an account, with templates of files beside the configuration', async () => {
  const templateUrl = 'https://planton.s3.amazonaws.com/connect.yaml';
  await writeFile(join(folder, 'template.yaml'), 'Resources: {Logs: {Type: AWS::Logs::LogGroup}}');
  const configuration = {
    accounts: ROLE_ACCOUNTS,
    consoleAccount: CUSTOMER_ACCOUNT,
    templates: { [templateUrl]: 'template.yaml' },
    clockFactor: 10,
  };
  await writeFile(join(folder, 'console.json'), JSON.stringify(configuration), { mode: 0o600 });
  const url = await urlOf(run('--config', join(folder, 'console.json')));
  expect((await fetch(`${url}/cloudformation/home?region=us-west-2`)).headers.get('content-type')).toContain(
    'html',
  );
  expect(await (await fetch(`${url}/console/account`)).json()).toEqual({ accountId: CUSTOMER_ACCOUNT });
  const template = await fetch(`${url}/console/template?url=${encodeURIComponent(templateUrl)}`);
  expect(await template.json()).toMatchObject({ resources: [{ logicalId: 'Logs' }] });
});

test('serves the accounts of stdin', async () => {
  const child = run();
  child.stdin.end(CONFIG);
  expect((await fetch(await urlOf(child))).status).toBe(403);
});

test.each([
  [['--port', 'http'], CONFIG, '--port is not a port number'],
  [['--config', '/nonexistent/accounts.json'], '', 'ENOENT'],
  [[], CONFIG.slice(0, -1), 'the configuration is not JSON'],
  [['--unknown'], '', '--unknown'],
])('says what is wrong with %j and fails', async (args, input, message) => {
  const child = run(...args);
  child.stdin.on('error', () => {});
  child.stdin.end(input);
  const [stderr] = await Promise.all([text(child.stderr), once(child, 'exit')]);
  expect(child.exitCode).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr).toContain('Usage:');
  expect(stderr).not.toContain(KEY.secretAccessKey);
});

const PYTHON = ['python3', '/usr/bin/python3'].find(
  (each) => spawnSync(each, ['-c', 'import boto3'], { timeout: 20_000 }).status === 0,
);

const SCRIPT = `
import boto3, os, urllib.request
from botocore.exceptions import ClientError
key = os.environ['AWS_ACCESS_KEY_ID']
client = boto3.client('sts', endpoint_url=os.environ['ENDPOINT'], region_name='eu-central-1')
print(client.get_caller_identity()['Arn'])
url = client.generate_presigned_url('get_caller_identity', ExpiresIn=60, HttpMethod='GET')
print(urllib.request.urlopen(url).status)
session = boto3.Session(aws_access_key_id=key, aws_secret_access_key='x' * 40)
other = session.client('sts', endpoint_url=os.environ['ENDPOINT'], region_name='eu-central-1')
try:
    other.get_caller_identity()
except ClientError as error:
    print(error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode'])
role = dict(RoleArn=os.environ['ROLE'], RoleSessionName='boto')
try:
    client.assume_role(**role)
except ClientError as error:
    print(error.response['Error']['Code'], error.response['ResponseMetadata']['HTTPStatusCode'])
issued = client.assume_role(**role, ExternalId=os.environ['EXTERNAL_ID'])['Credentials']
print(issued['Expiration'].tzinfo is not None)
session = boto3.Session(
    aws_access_key_id=issued['AccessKeyId'],
    aws_secret_access_key=issued['SecretAccessKey'],
    aws_session_token=issued['SessionToken'],
)
assumed = session.client('sts', endpoint_url=os.environ['ENDPOINT'], region_name='eu-central-1')
print(assumed.get_caller_identity()['Arn'])
`;

describe.skipIf(PYTHON === undefined)('with boto3 (skipped where no python3 has it)', () => {
  test('signs in by header and by presigned URL, is refused with a wrong secret, and assumes a role', async () => {
    const child = run('--config', join(folder, 'accounts.json'));
    const { stdout } = await promisify(execFile)(PYTHON ?? '', ['-c', SCRIPT], {
      timeout: 25_000,
      env: {
        PATH: process.env.PATH ?? '',
        HOME: folder,
        ENDPOINT: await urlOf(child),
        AWS_ACCESS_KEY_ID: KEY.accessKeyId,
        AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey,
        AWS_EC2_METADATA_DISABLED: 'true',
        ROLE: TRUSTS_USER,
        EXTERNAL_ID,
      },
    });
    expect(stdout.trim().split('\n')).toEqual([
      'arn:aws:iam::123456789012:user/deployer',
      '200',
      'SignatureDoesNotMatch 403',
      'AccessDenied 403',
      'True',
      'arn:aws:sts::444455556666:assumed-role/TrustsUser/boto',
    ]);
  });
});
