import { STSClient } from '@aws-sdk/client-sts';
import { Code, ConnectError, createRouterTransport } from '@connectrpc/connect';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { describe, expect, test } from 'vitest';
import { createPlanton } from './create-planton.ts';
import { fromPlantonConnection } from './from-planton-connection.ts';

const NOW = Date.parse('2030-01-01T00:00:00Z');

function plantonWith(
  issue: (
    request: { org: string; environment: string; provider: string },
    authorization: string | null,
  ) => object,
  apiKey: string | (() => string) = 'planton_key',
) {
  return createPlanton({
    server: 'http://planton.test',
    apiKey,
    transport: (interceptors) =>
      createRouterTransport(
        (router) =>
          router.service(ConnectionService, {
            issueCredentials: (request, context) =>
              issue(request, context.requestHeader.get('authorization')),
          }),
        { transport: { interceptors } },
      ),
  });
}

const keys = { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 's', accountId: '123456789012' };

describe('fromPlantonConnection', () => {
  test('asks for the organisation and environment, with the key of the moment', async () => {
    let key = 'first';
    const asked: unknown[] = [];
    const planton = plantonWith(
      (request, authorization) => {
        asked.push([request.org, request.environment, request.provider, authorization]);
        return { credentials: { case: 'aws', value: keys } };
      },
      () => key,
    );
    const provider = fromPlantonConnection(planton, { org: 'acme', environment: 'production' }, () => NOW);
    await provider();
    key = 'second';
    await provider();
    expect(asked).toEqual([
      ['acme', 'production', 'aws', 'Bearer first'],
      ['acme', 'production', 'aws', 'Bearer second'],
    ]);
  });

  test('long-term keys are asked for again after a quarter of an hour', async () => {
    const planton = plantonWith(() => ({ credentials: { case: 'aws', value: keys } }));
    expect(await fromPlantonConnection(planton, { org: 'acme' }, () => NOW)()).toEqual({
      ...keys,
      expiration: new Date(NOW + 900_000),
    });
  });

  test('temporary credentials carry their own end', async () => {
    const expireTime = { seconds: BigInt(NOW / 1000), nanos: 0 };
    const value = { ...keys, sessionToken: 't', expireTime };
    const planton = plantonWith(() => ({ credentials: { case: 'aws', value } }));
    expect(await fromPlantonConnection(planton, { org: 'acme' })()).toEqual({
      ...keys,
      sessionToken: 't',
      expiration: new Date(NOW),
    });
  });

  test('serves a client of the SDK, which remembers what it was given', async () => {
    let issued = 0;
    const planton = plantonWith(() => {
      issued += 1;
      return { credentials: { case: 'aws', value: keys } };
    });
    const client = new STSClient({
      region: 'us-west-2',
      credentials: fromPlantonConnection(planton, { org: 'acme' }),
    });
    expect(await client.config.credentials()).toMatchObject({ accessKeyId: keys.accessKeyId });
    await client.config.credentials();
    expect(issued).toBe(1);
  });

  test('passes a refusal on', async () => {
    const planton = plantonWith(() => {
      throw new ConnectError('not authorised', Code.FailedPrecondition);
    });
    await expect(fromPlantonConnection(planton, { org: 'acme' })()).rejects.toMatchObject({
      code: Code.FailedPrecondition,
    });
  });

  test('refuses an answer without AWS credentials', async () => {
    await expect(
      fromPlantonConnection(
        plantonWith(() => ({ connection: 'x' })),
        { org: 'acme' },
      )(),
    ).rejects.toThrow('no AWS credentials');
  });
});
