import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  AssumeRoleCommand,
  GetCallerIdentityCommand,
  STSClient,
  type STSClientConfig,
} from '@aws-sdk/client-sts';
import { type AwsFailureContext, explainAwsFailure, readAwsFailure } from '@planton/aws';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import type { AwsSimulator } from '../server/simulator.ts';
import { startAwsSimulator } from '../server/start-simulator.ts';
import { EXTERNAL_ID, ROLE_ACCOUNTS, TRUSTS_USER } from '../testing/roles.ts';
import { INACTIVE_KEY, KEY } from '../testing/sign-request.ts';

const REGION = 'us-west-2';
const KEY_CONTEXT: AwsFailureContext = { method: 'access_key', region: REGION };

let simulator: AwsSimulator;
let clockOffset = 0;
beforeAll(async () => {
  simulator = await startAwsSimulator({
    accounts: ROLE_ACCOUNTS,
    now: () => new Date(Date.now() + clockOffset),
  });
});
afterAll(() => simulator.stop());
afterEach(() => {
  vi.unstubAllEnvs();
  simulator.heal();
  clockOffset = 0;
});

/** The verdict and the codes of what the real SDK throws, and what was seen of it. */
async function explain(asked: Promise<unknown>, context = KEY_CONTEXT) {
  const error = await asked.then(
    () => {
      throw new Error('AWS answered');
    },
    (thrown: unknown) => thrown,
  );
  const { verdict, causes, observation } = explainAwsFailure(readAwsFailure(error), context);
  return { said: [verdict, ...causes.map(({ code }) => code)].join(' '), observation };
}

function identify(config: STSClientConfig = {}) {
  const client = new STSClient({
    region: REGION,
    endpoint: simulator.url,
    credentials: KEY,
    maxAttempts: 1,
    ...config,
  });
  return client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy());
}

function assume(input: Partial<ConstructorParameters<typeof AssumeRoleCommand>[0]> = {}) {
  const client = new STSClient({ region: REGION, endpoint: simulator.url, credentials: KEY, maxAttempts: 1 });
  const command = new AssumeRoleCommand({
    RoleArn: TRUSTS_USER,
    RoleSessionName: 'planton',
    ExternalId: EXTERNAL_ID,
    ...input,
  });
  return client.send(command).finally(() => client.destroy());
}

describe('with an access key', () => {
  test.each([
    ['unknown', { ...KEY, accessKeyId: 'AKIAUNKNOWNNEXAMPLE0' }, 'UNKNOWN_KEY PROPAGATING'],
    ['with a token of nobody', { ...KEY, sessionToken: 'FwoGZXIvYXdzEXAMPLE' }, 'UNKNOWN_KEY PROPAGATING'],
    ['with the secret of another', { ...KEY, secretAccessKey: INACTIVE_KEY.secretAccessKey }, 'WRONG_SECRET'],
    ['with a line break in its token', { ...KEY, sessionToken: 'FwoGZXIv\nYXdz' }, 'UNKNOWN_KEY'],
    ['with a slash in its id', { ...KEY, accessKeyId: 'AKIA/x/y' }, 'UNKNOWN_KEY'],
  ])('%s', async (_, credentials, codes) => {
    const { said, observation } = await explain(identify({ credentials }));
    expect(said).toBe(`refused ${codes}`);
    for (const value of Object.values(credentials)) expect(observation).not.toContain(value);
  });

  test('whose session has ended', async () => {
    const { Credentials: issued } = await assume();
    simulator.expireSessions();
    const credentials = {
      accessKeyId: issued?.AccessKeyId ?? '',
      secretAccessKey: issued?.SecretAccessKey ?? '',
      sessionToken: issued?.SessionToken ?? '',
    };
    expect(await explain(identify({ credentials }))).toEqual({
      said: 'refused EXPIRED',
      observation:
        'AWS answered ExpiredToken (HTTP 403): The security token included in the request is expired',
    });
  });

  test('and a clock that is wrong', async () => {
    clockOffset = 20 * 60_000;
    expect((await explain(identify())).said).toBe('refused CLOCK_SKEW');
    clockOffset = -20 * 60_000;
    expect((await explain(identify())).said).toBe('refused CLOCK_SKEW');
  });
});

describe('with a role', () => {
  const context: AwsFailureContext = { method: 'role', region: REGION };

  test('that is denied, for whatever reason, the same causes are named', async () => {
    const inputs = [{ ExternalId: 'wrong' }, { RoleArn: `${TRUSTS_USER}2` }, { ExternalId: undefined }];
    for (const input of inputs) {
      const { said, observation } = await explain(assume(input), context);
      expect(said).toBe('refused TRUST_POLICY EXTERNAL_ID ORGANIZATION_POLICY PROPAGATING');
      expect(observation).toContain(`on resource: ${TRUSTS_USER}`);
      expect(observation).not.toContain(EXTERNAL_ID);
    }
  });

  test('that may not be assumed for so long', async () => {
    expect(await explain(assume({ DurationSeconds: 40_000 }), context)).toEqual({
      said: 'refused',
      observation:
        'AWS answered ValidationError (HTTP 400): The requested DurationSeconds exceeds the MaxSessionDuration set for this role.',
    });
  });
});

describe('that says nothing about the credentials', () => {
  test.each([
    ['throttling', 'THROTTLED'],
    ['internal_failure', 'UNREACHABLE'],
    ['service_unavailable', 'UNREACHABLE'],
    ['disconnect', 'UNREACHABLE'],
  ] as const)('%s', async (fault, code) => {
    simulator.fail(fault);
    expect((await explain(identify())).said).toBe(`inconclusive ${code}`);
  });

  test('an answer that does not come', async () => {
    simulator.delay(600_000);
    const requestHandler = { requestTimeout: 100, throwOnRequestTimeout: true };
    expect((await explain(identify({ requestHandler }))).said).toBe('inconclusive UNREACHABLE');
  });

  test('a port where nobody listens', async () => {
    const server = await serve(() => {});
    const endpoint = urlOf(server);
    await stop(server);
    expect(await explain(identify({ endpoint }))).toEqual({
      said: 'inconclusive UNREACHABLE',
      observation: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('a port that does not speak TLS', async () => {
    const server = await serve(() => {});
    const { said } = await explain(identify({ endpoint: urlOf(server).replace('http:', 'https:') }));
    await stop(server);
    expect(said).toBe('inconclusive UNREACHABLE');
  });

  test.each([
    ['a proxy that refuses', 403, 'text/plain', 'denied by policy'],
    ['a proxy that asks who one is', 407, 'text/html', '<html>sign in</html>'],
    ['a gateway that finds nobody', 502, 'text/html', '<html>bad gateway</html>'],
    ['a page instead of an answer', 200, 'text/html', 'sign in to the network'],
  ])('%s', async (_, status, type, body) => {
    const server = await serve((request, response) => {
      request.resume();
      response.writeHead(status, { 'content-type': type });
      response.end(body);
    });
    const { said, observation } = await explain(identify({ endpoint: urlOf(server) }));
    await stop(server);
    expect(said).toBe('inconclusive UNREACHABLE');
    expect(observation).toBe(`HTTP ${status} without an answer that AWS gives`);
  });
});

describe('with what the SDK finds where it runs', () => {
  const context: AwsFailureContext = { method: 'default_chain', region: REGION };

  function identifyByChain() {
    const client = new STSClient({ region: REGION, endpoint: simulator.url, maxAttempts: 1 });
    return client.send(new GetCallerIdentityCommand({})).finally(() => client.destroy());
  }

  function stubChain(variables: Readonly<Record<string, string>>) {
    for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) vi.stubEnv(name, undefined);
    const nothing = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
    const all = { ...nothing, AWS_EC2_METADATA_DISABLED: 'true', ...variables };
    for (const [name, value] of Object.entries(all)) vi.stubEnv(name, value);
  }

  test('nothing', async () => {
    stubChain({});
    expect(await explain(identifyByChain(), context)).toEqual({
      said: 'refused NO_CREDENTIALS',
      observation: 'CredentialsProviderError: Could not load credentials from any providers',
    });
  });

  test('the name of a token that is not there', async () => {
    stubChain({ AWS_WEB_IDENTITY_TOKEN_FILE: '/nonexistent/token', AWS_ROLE_ARN: TRUSTS_USER });
    expect((await explain(identifyByChain(), context)).said).toBe('refused NO_CREDENTIALS');
  });

  test('a key that AWS does not know', async () => {
    stubChain({ AWS_ACCESS_KEY_ID: 'AKIAUNKNOWNNEXAMPLE0', AWS_SECRET_ACCESS_KEY: KEY.secretAccessKey });
    expect((await explain(identifyByChain(), context)).said).toBe('refused UNKNOWN_KEY PROPAGATING');
  });
});

async function serve(answer: RequestListener): Promise<Server> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function stop(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closed;
}
