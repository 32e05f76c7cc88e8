import { execFileSync, spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { AwsAccessVerdict } from '@planton/api/runner/v1/operation';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { admittedByIgnoreFile, type Instruction, readDockerfile } from '../testing/read-dockerfile.ts';
import { type SpawnedRunner, spawnRunner } from '../testing/spawn-runner.ts';
import { OTHER_ACCOUNT, RUNNER_KEY, useAws } from '../testing/use-aws.ts';
import { useRunner } from '../testing/use-runner.ts';

const root = join(import.meta.dirname, '../../../..');
const source = join(root, 'deploy/runner');
const dockerfile = readFileSync(join(source, 'Dockerfile'), 'utf8');
const instructions = readDockerfile(dockerfile);
const isRoot = process.getuid?.() === 0;
const user = 1_000;

const only = (name: string): Instruction => {
  const [found, ...more] = instructions.filter((each) => each.name === name);
  if (!found || more.length > 0) throw new Error(`${name} is there ${more.length + (found ? 1 : 0)} times`);
  return found;
};
const environment = Object.fromEntries(
  instructions
    .filter(({ name }) => name === 'ENV')
    .map(({ words }) => /^([A-Z_]+)=(.*)$/.exec(words.join(' '))?.slice(1) ?? []),
);

/** The image's file system below the base image, made in a folder by what the Dockerfile says. */
let image: string;
/** What the base image brings, where the container's user can reach it. */
let base: string;
const inImage = (path: string) => join(image, path);

beforeAll(() => {
  image = mkdtempSync(join(tmpdir(), 'planton-image-'));
  chmodSync(image, 0o755);
  base = mkdtempSync(join(tmpdir(), 'planton-base-'));
  chmodSync(base, 0o755);
  copyFileSync(process.execPath, join(base, 'node'));
  const context = mkdtempSync(join(tmpdir(), 'planton-context-'));
  try {
    cpSync(source, context, { recursive: true, filter: (path) => !path.endsWith('/dist') });
    bundleInto(context);
    const admitted = admittedByIgnoreFile(readFileSync(join(context, '.dockerignore'), 'utf8'));
    for (const instruction of instructions) build(instruction, context, admitted);
  } finally {
    rmSync(context, { recursive: true, force: true });
  }
}, 60_000);
afterAll(() => {
  for (const folder of [image, base]) rmSync(folder, { recursive: true, force: true });
});

/** Runs the command that the Dockerfile names, on another place. */
function bundleInto(context: string): void {
  const [, command = ''] = /^#\s+(node apps\/runner\/scripts\/bundle\.ts \S+)$/m.exec(dockerfile) ?? [];
  const [, script = '', output = ''] = command.split(' ');
  execFileSync(process.execPath, [script, output.replace(/^deploy\/runner\b/, context)], { cwd: root });
}

function build(
  { name, flags, words, isExec }: Instruction,
  context: string,
  admitted: readonly string[],
): void {
  if (name === 'WORKDIR') mkdirSync(inImage(words[0] ?? ''), { recursive: true });
  if (name === 'RUN') {
    if (!isExec || words[0] !== 'install' || words[1] !== '-d')
      throw new Error('only folders are made while the image is built');
    const value = (option: string) => words[words.indexOf(option) + 1] ?? '';
    const folder = inImage(words.at(-1) ?? '');
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, Number.parseInt(value('-m'), 8));
    if (isRoot) chownSync(folder, Number(value('-o')), Number(value('-g')));
  }
  if (name === 'COPY') {
    const [from = '', to = ''] = words;
    const [owner, group] = (flags.chown ?? '').split(':').map(Number);
    if (!admitted.includes(from)) throw new Error(`${from} is not let into the build`);
    mkdirSync(dirname(inImage(to)), { recursive: true });
    copyFileSync(join(context, from), inImage(to));
    chmodSync(inImage(to), Number.parseInt(flags.chmod ?? '', 8));
    if (isRoot) chownSync(inImage(to), owner ?? user, group ?? user);
  }
}

describe('the image', () => {
  test('holds the bundle and a place for credentials, and nothing else', () => {
    const files = readdirSync(image, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(image, join(entry.parentPath, entry.name)));
    expect(files).toEqual(['app/planton-runner.mjs']);
    expect(statSync(inImage('/app/planton-runner.mjs')).mode & 0o777).toBe(0o444);
    expect(statSync(inImage('/var/lib/planton')).mode & 0o777).toBe(0o700);
    expect(only('VOLUME').words).toEqual(['/var/lib/planton']);
  });

  test('is of Node 24, runs as a user that is not root, and needs no shell', () => {
    expect(only('FROM').words).toEqual(['node:24-slim']);
    expect(only('USER').words).toEqual([`${user}:${user}`]);
    expect(instructions.findLastIndex(({ name }) => name === 'USER')).toBeGreaterThan(
      instructions.findLastIndex(({ name }) => name === 'COPY' || name === 'RUN'),
    );
    expect(only('ENTRYPOINT')).toMatchObject({ isExec: true, words: ['node', '/app/planton-runner.mjs'] });
    expect(only('HEALTHCHECK')).toMatchObject({ isExec: true, flags: { interval: '30s', retries: '3' } });
    expect(only('STOPSIGNAL').words).toEqual(['SIGTERM']);
  });

  test('holds no secret, and its health endpoint is where its check asks', () => {
    expect(Object.keys(environment).filter((name) => /TOKEN|KEY|SECRET|PASSWORD/.test(name))).toEqual([]);
    expect(environment.PLANTON_HEALTH_LISTEN).toBe('0.0.0.0:8081');
    expect(only('EXPOSE').words).toEqual(['8081']);
    expect(only('HEALTHCHECK').words.join(' ')).toContain('http://127.0.0.1:8081/healthz');
  });
});

describe('the container', () => {
  const aws = useAws();
  const rig = useRunner();
  let running: SpawnedRunner[] = [];
  afterEach(async () => {
    for (const { child } of running) child.kill('SIGKILL');
    await Promise.all(running.map(({ ended }) => ended));
    running = [];
    rmSync(inImage('/var/lib/planton/org'), { recursive: true, force: true });
  });

  /** Starts the entry point as the container's user, on the image's files. */
  function run(env: NodeJS.ProcessEnv): SpawnedRunner {
    const [, program = ''] = only('ENTRYPOINT').words;
    const runner = spawnRunner(
      [],
      {
        ...environment,
        HOME: '/nonexistent',
        PLANTON_CONFIG_HOME: inImage(environment.PLANTON_CONFIG_HOME ?? ''),
        PLANTON_HEALTH_LISTEN: '127.0.0.1:0',
        PLANTON_SERVER: rig().service.url,
        AWS_ENDPOINT_URL_STS: aws().simulator.url,
        AWS_EC2_METADATA_DISABLED: 'true',
        ...env,
      },
      {
        program: inImage(program),
        node: join(base, 'node'),
        cwd: inImage(only('WORKDIR').words[0] ?? ''),
        ...(isRoot ? { uid: user, gid: user } : {}),
      },
    );
    running.push(runner);
    return runner;
  }

  async function checkHealth(url: string): Promise<number | null> {
    const [, ...args] = only('HEALTHCHECK').words.map((word) => word.replace('http://127.0.0.1:8081', url));
    const child = spawn(process.execPath, args, { env: {}, stdio: 'ignore' });
    return new Promise((resolve) => child.once('exit', resolve));
  }

  test('enrols, keeps its credentials in the volume, verifies access to AWS, and ends in good order', async () => {
    const { gateway, service } = rig();
    service.tokens.set('token', 'single-use');
    const profile = join(aws().folder, 'credentials');
    writeFileSync(
      profile,
      `[default]\naws_access_key_id = ${RUNNER_KEY.accessKeyId}\naws_secret_access_key = ${RUNNER_KEY.secretAccessKey}\n`,
    );
    chmodSync(aws().folder, 0o755);
    const env = { PLANTON_RUNNER_TOKEN: 'token', AWS_SHARED_CREDENTIALS_FILE: profile };
    const runner = run(env);
    await runner.ready();
    const kept = statSync(inImage('/var/lib/planton/org/acme/runner/runner-1/credentials.json'));
    expect(kept.mode & 0o777).toBe(0o600);
    if (isRoot) expect(kept.uid).toBe(user);
    expect(await checkHealth(await runner.health())).toBe(0);

    const session = await gateway.session(0);
    session.assign('op', {
      case: 'verifyAwsAccess',
      value: {
        accountId: OTHER_ACCOUNT,
        region: 'us-west-2',
        authentication: { method: { case: 'defaultChain', value: {} } },
      },
    });
    expect((await session.result('op')).outcome).toMatchObject({
      case: 'succeeded',
      value: { kind: { value: { verdict: AwsAccessVerdict.VERIFIED, accountId: OTHER_ACCOUNT } } },
    });
    runner.child.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
    expect(await checkHealth(await runner.health())).toBe(1);
    const again = run(env);
    await again.ready();
    expect((await gateway.session(1)).instanceUid).toBe(session.instanceUid);
    expect(service.calls.enroll).toBe(1);
  }, 60_000);

  test('without a volume keeps nothing, with a pool token', async () => {
    const { gateway, service } = rig();
    service.tokens.set('pool', 'pool');
    const runner = run({
      PLANTON_RUNNER_TOKEN: 'pool',
      PLANTON_RUNNER_EPHEMERAL: 'true',
      PLANTON_CONFIG_HOME: '/nonexistent/planton',
    });
    await runner.ready();
    const { instanceUid } = await gateway.session(0);
    expect(service.instances.get(instanceUid)).toMatchObject({ ephemeral: true });
    runner.child.kill('SIGTERM');
    expect(await runner.ended).toBe(0);
  }, 60_000);
});
