import { once } from 'node:events';
import { request } from 'node:http';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import { engines } from '@planton/database/testing';
import { type Listener, type Logger, serve } from '@planton/rpc';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { useSetups, type Words } from '../testing/use-setups.ts';
import { type CallbackLimits, serveCallback } from './serve-callback.ts';

const { PENDING, VERIFYING, COMPLETED } = AwsTrustSetupState;
const PATH = '/callbacks/aws/cloudformation';

describe.each(engines)('callbacks of stacks on %s', (kind) => {
  const trust = useSetups(kind);
  const { service, initiate, createStack, callBack, advance, read } = trust;

  test('make the platform verify the role, once, however often they come', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    createStack(begun);
    const heard = await Promise.all(Array.from({ length: 5 }, () => callBack(begun)));
    expect(heard).toEqual([true, true, true, true, true]);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: VERIFYING,
      roleArn: begun.setup?.roleArn,
    });
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED });
    expect(await callBack(begun)).toBe(true);
    const records = await trust.auditOf(organization);
    expect(records.filter(({ action }) => action === 'trust_setup.callback')).toHaveLength(1);
  });

  const other = '999999999999';
  const forgeries: readonly (readonly [string, Words])[] = [
    ['another token', { token: 'A'.repeat(43) }],
    ['another set-up', { setupId: '00000000-0000-4000-8000-000000000000' }],
    [
      'another account',
      {
        accountId: other,
        roleArn: `arn:aws:iam::${other}:role/a`,
        stackId: `arn:aws:cloudformation:us-west-2:${other}:stack/a/1`,
      },
    ],
    ['another external ID', { externalId: 'f'.repeat(64) }],
  ];
  test.each(forgeries)('with %s are refused, and nothing is made', async (_what, words) => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    expect(await callBack(begun, words)).toBe(false);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: PENDING });
    createStack(begun);
    expect(await callBack(begun)).toBe(true);
  });

  test('with the token of one set-up cannot speak for another', async () => {
    const organization = await service().newOrganization();
    const stranger = await service().newOrganization();
    const begun = await initiate(organization);
    const theirs = await initiate(stranger);
    const token = /param_CallbackToken=([^&]+)/.exec(theirs.quickCreateUrl)?.[1] ?? '';
    expect(await callBack(begun, { token })).toBe(false);
    expect(await callBack(theirs, { token, setupId: begun.setup?.uid ?? '' })).toBe(false);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: PENDING });
  });

  test('that say something else than the first are refused, and a false first one does not keep the role out', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    createStack(begun);
    const forged = { roleArn: `arn:aws:iam::${begun.setup?.accountId}:role/forged` };
    expect(await callBack(begun, forged)).toBe(true);
    expect(await callBack(begun)).toBe(false);
    await advance(organization);
    const done = await read(organization, begun.setup?.uid);
    expect(done).toMatchObject({ state: COMPLETED, roleArn: begun.setup?.roleArn });
    expect(
      (await trust.auditOf(organization)).find(({ action }) => action === 'trust_setup.callback'),
    ).toMatchObject({
      details: { reason: 'CLAIM_DIFFERS' },
    });
  });

  test('name a role and a stack that were edited on the page', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    const { roles } = trust.aws();
    const roleArn = `arn:aws:iam::${begun.setup?.accountId}:role/Edited`;
    const id = `arn:aws:cloudformation:eu-west-1:${begun.setup?.accountId}:stack/edited/1`;
    roles.set(roleArn, {
      externalId: begun.role?.externalId,
      stack: { id, name: 'edited', status: 'CREATE_COMPLETE' },
    });
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: PENDING });
    await callBack(begun, { roleArn, stackId: id });
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: COMPLETED,
      roleArn,
      stackId: id,
    });
  });

  test('of a stack with an edited external ID say what is wrong, and a corrected one is heard', async () => {
    const organization = await service().newOrganization();
    const begun = await initiate(organization);
    await callBack(begun, { externalId: 'f'.repeat(64) });
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({
      state: PENDING,
      causes: [{ code: 'EXTERNAL_ID' }],
    });
    createStack(begun);
    expect(await callBack(begun)).toBe(true);
    await advance(organization);
    expect(await read(organization, begun.setup?.uid)).toMatchObject({ state: COMPLETED });
  });

  describe('over HTTP', () => {
    let listener: Listener | undefined;
    afterEach(async () => {
      await listener?.close(0);
    });
    const listen = async (limits?: CallbackLimits, deps = service().deps) => {
      listener = await serve({
        address: '127.0.0.1:0',
        services: [],
        routes: () => {},
        guard: service().platform.guard,
        ready: async () => true,
        http: [serveCallback(deps, limits)],
      });
      return listener.url;
    };
    const post = (url: string, body: string | Buffer) => fetch(`${url}${PATH}`, { method: 'POST', body });

    test('every refusal reads the same, and malformed and large bodies are answered as that', async () => {
      const organization = await service().newOrganization();
      const { setup } = await initiate(organization);
      const url = await listen();
      const account = setup?.accountId ?? '';
      const words = {
        setupId: setup?.uid,
        token: 'A'.repeat(43),
        accountId: account,
        roleArn: setup?.roleArn,
        stackId: `arn:aws:cloudformation:us-west-2:${account}:stack/a/1`,
        externalId: 'e'.repeat(64),
        templateVersion: '1',
      };
      const unknown = await post(url, JSON.stringify(words));
      const mismatch = await post(
        url,
        JSON.stringify({ ...words, setupId: '00000000-0000-4000-8000-000000000000' }),
      );
      expect([unknown.status, await unknown.text()]).toEqual([mismatch.status, await mismatch.text()]);
      expect(unknown.status).toBe(403);
      expect((await post(url, '{')).status).toBe(400);
      expect((await post(url, Buffer.alloc(9_000, 'a'))).status).toBe(413);
      expect((await fetch(`${url}${PATH}`)).status).toBe(404);
    });

    test('a body that grows without an end is cut off', async () => {
      const url = new URL(await listen());
      const status = await new Promise<number | undefined>((resolve, reject) => {
        const sent = request({ host: url.hostname, port: url.port, path: PATH, method: 'POST' }, (response) =>
          resolve(response.statusCode),
        );
        sent.on('error', (error: NodeJS.ErrnoException) =>
          error.code === 'EPIPE' || error.code === 'ECONNRESET' ? resolve(413) : reject(error),
        );
        const grow = () => {
          if (!sent.destroyed && sent.write(Buffer.alloc(4_096, 'a'))) setTimeout(grow, 1);
        };
        grow();
      });
      expect(status).toBe(413);
    });

    test('too many are asked to wait, and the database being away is no refusal', async () => {
      const limited = await listen({ perAddress: 3, total: 100 });
      const statuses = [];
      for (let each = 0; each < 4; each++) statuses.push((await post(limited, '{')).status);
      expect(statuses).toEqual([400, 400, 400, 429]);
      await listener?.close(0);
      const { deps, database } = service();
      const away = new Proxy(database, {
        get: (target, name) => {
          if (name === 'query') throw new Error('the database is away');
          return Reflect.get(target, name);
        },
      });
      const quiet: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
      const url = await listen(undefined, { ...deps, database: away, logger: quiet });
      const organization = await service().newOrganization();
      const { setup } = await initiate(organization);
      const account = setup?.accountId ?? '';
      const body = JSON.stringify({
        setupId: setup?.uid,
        token: 'A'.repeat(43),
        accountId: account,
        roleArn: setup?.roleArn,
        stackId: `arn:aws:cloudformation:us-west-2:${account}:stack/a/1`,
        externalId: 'e'.repeat(64),
        templateVersion: '1',
      });
      expect((await post(url, body)).status).toBe(503);
    });

    test('one address that calls all the time does not keep the others from being heard', async () => {
      const { hostname, port } = new URL(await listen({ perAddress: 3, total: 6 }));
      const postFrom = (localAddress: string) =>
        new Promise<number | undefined>((resolve, reject) => {
          const options = { host: hostname, port, path: PATH, method: 'POST', localAddress, agent: false };
          request(options, (response) => resolve(response.resume().statusCode))
            .on('error', reject)
            .end('{');
        });
      for (let each = 0; each < 10; each++) await postFrom('127.0.0.1');
      expect(await postFrom('127.0.0.1')).toBe(429);
      const statuses = [];
      for (let each = 0; each < 4; each++) statuses.push(await postFrom('127.0.0.2'));
      expect(statuses).toEqual([400, 400, 400, 429]);
      expect(await postFrom('127.0.0.3')).toBe(429);
    });

    test('over HTTP/2, too, a body that nobody reads is cut off, and what comes after it is heard', async () => {
      const session = connectHttp2(await listen({ perAddress: 3, total: 100 }));
      const postBytes = async (size: number) => {
        const stream = session.request({ ':method': 'POST', ':path': PATH });
        const answer: unknown[] = [];
        stream.on('response', (headers) => answer.push(headers[':status']));
        stream.on('data', (chunk) => answer.push(String(chunk)));
        stream.end(Buffer.alloc(size, 'a'));
        await once(stream, 'end');
        await vi.waitFor(() => expect(stream.closed).toBe(true));
        return answer;
      };
      try {
        expect(await postBytes(1_000_000)).toEqual([413, '{"status":"too large"}']);
        expect(await postBytes(9_000)).toEqual([413, '{"status":"too large"}']);
        expect(await postBytes(1)).toEqual([400, '{"status":"malformed"}']);
        expect(await postBytes(1_000_000)).toEqual([429, '{"status":"too many requests"}']);
        expect(await postBytes(1)).toEqual([429, '{"status":"too many requests"}']);
      } finally {
        session.destroy();
      }
    });

    test('a caller that leaves in the middle is no trouble', async () => {
      const url = new URL(await listen());
      const socket = await new Promise<Socket>((resolve) => {
        const made: Socket = connect({ host: url.hostname, port: Number(url.port) }, () => resolve(made));
      });
      socket.write(`POST ${PATH} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\n{`);
      socket.destroy();
      expect((await post(url.origin, '{')).status).toBe(400);
    });
  });
});
