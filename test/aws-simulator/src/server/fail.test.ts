import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { AssumeRoleCommand, GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ACCOUNTS, KEY } from '../testing/sign-request.ts';
import type { AwsSimulator } from './simulator.ts';
import { startAwsSimulator } from './start-simulator.ts';

let simulator: AwsSimulator;
beforeEach(async () => {
  simulator = await startAwsSimulator({ accounts: ACCOUNTS });
});
afterEach(() => simulator.stop());

function ask(maxAttempts = 1, abortSignal?: AbortSignal) {
  const client = new STSClient({
    region: 'us-west-2',
    endpoint: simulator.url,
    credentials: KEY,
    maxAttempts,
  });
  return client
    .send(new GetCallerIdentityCommand({}), abortSignal && { abortSignal })
    .finally(() => client.destroy());
}

const outcomes = () => simulator.requests().map(({ status, code }) => [status, code]);

describe('the next requests meet', () => {
  test.each([
    ['throttling', 'Throttling', 400],
    ['internal_failure', 'InternalFailure', 500],
    ['service_unavailable', 'ServiceUnavailable', 503],
  ] as const)('%s', async (fault, name, status) => {
    simulator.fail(fault);
    await expect(ask()).rejects.toMatchObject({ name, $metadata: { httpStatusCode: status } });
    expect((await ask()).Account).toBe('123456789012');
    expect(outcomes()).toEqual([
      [status, name],
      [200, undefined],
    ]);
  });

  test('a connection that ends without an answer', async () => {
    simulator.fail('disconnect');
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await ask()).Account).toBe('123456789012');
    expect(outcomes()).toEqual([
      [0, undefined],
      [200, undefined],
    ]);
  });

  test('one after the other, as often as was said, which the SDK outlives by trying again', async () => {
    simulator.fail('throttling', 2);
    simulator.fail('internal_failure');
    expect((await ask(4)).Account).toBe('123456789012');
    expect(outcomes().map(([status]) => status)).toEqual([400, 400, 500, 200]);
  });

  test('the same until it is healed', async () => {
    simulator.fail('throttling', Number.POSITIVE_INFINITY);
    for (let count = 0; count < 3; count++) await expect(ask()).rejects.toThrow('Rate exceeded');
    simulator.heal();
    expect((await ask()).Account).toBe('123456789012');
  });
});

describe('only those meet it that are meant', () => {
  const config = () => ({
    region: 'us-west-2',
    endpoint: simulator.url,
    credentials: KEY,
    maxAttempts: 1,
  });
  const describeStacks = () => {
    const client = new CloudFormationClient(config());
    return client.send(new DescribeStacksCommand({})).finally(() => client.destroy());
  };
  const assumeRole = () => {
    const client = new STSClient(config());
    const RoleArn = 'arn:aws:iam::123456789012:role/None';
    return client
      .send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'planton' }))
      .finally(() => client.destroy());
  };

  test('one action, however many others come in between', async () => {
    simulator.fail('throttling', 2, { action: 'AssumeRole' });
    expect((await ask()).Account).toBe('123456789012');
    await expect(assumeRole()).rejects.toMatchObject({ name: 'Throttling' });
    expect((await ask()).Account).toBe('123456789012');
    await expect(assumeRole()).rejects.toMatchObject({ name: 'Throttling' });
    await expect(assumeRole()).rejects.toMatchObject({ name: 'AccessDenied' });
  });

  test('one service, in the words that its client understands', async () => {
    simulator.fail('service_unavailable', Number.POSITIVE_INFINITY, { service: 'cloudformation' });
    simulator.fail('disconnect', 1, { service: 'sts' });
    await expect(describeStacks()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    await expect(ask()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect((await ask()).Account).toBe('123456789012');
    await expect(describeStacks()).rejects.toMatchObject({ name: 'ServiceUnavailable' });
    simulator.heal();
    expect((await describeStacks()).Stacks ?? []).toEqual([]);
  });

  test('a delay too', async () => {
    simulator.delay(600_000, { action: 'AssumeRole' });
    const assumed = assumeRole();
    const refused = expect(assumed).rejects.toThrow();
    expect((await ask()).Account).toBe('123456789012');
    await simulator.stop();
    await refused;
  });

  test('the console meets none', async () => {
    simulator.fail('internal_failure', Number.POSITIVE_INFINITY);
    expect((await fetch(`${simulator.url}/console/account`)).status).toBe(200);
  });
});

describe('a delay', () => {
  test('holds back answers until whoever asked gives up', async () => {
    simulator.delay(600_000);
    const giveUp = new AbortController();
    const asked = ask(1, giveUp.signal);
    setTimeout(() => giveUp.abort(), 50);
    await expect(asked).rejects.toMatchObject({ name: 'AbortError' });
    simulator.heal();
    expect((await ask()).Account).toBe('123456789012');
  });

  test('holds back answers for as long as was said', async () => {
    simulator.delay(100);
    const began = performance.now();
    expect((await ask()).Account).toBe('123456789012');
    expect(performance.now() - began).toBeGreaterThan(90);
  });

  test('does not keep the simulator from stopping', async () => {
    simulator.delay(600_000);
    const asked = ask();
    const refused = expect(asked).rejects.toThrow();
    await new Promise((resolve) => setTimeout(resolve, 50));
    await simulator.stop();
    await refused;
  });
});
