import { request } from 'node:http';
import { expect, test } from 'vitest';
import { serveEndpoint } from './serve-endpoint.ts';

const document = { AccessKeyId: 'a', SecretAccessKey: 'b', Token: '', Expiration: '2026-03-01T12:00:00Z' };

function get(url: string, headers: Record<string, string>): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const outgoing = request(url, { headers }, (incoming) => {
      let body = '';
      incoming.on('data', (chunk: Buffer) => {
        body += chunk;
      });
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, body }));
    });
    outgoing.on('error', reject);
    outgoing.end();
  });
}

test('a request under another host name is refused even with the token', async () => {
  const endpoint = await serveEndpoint(
    async () => document,
    () => undefined,
  );
  try {
    expect((await get(endpoint.url, { authorization: endpoint.token })).status).toBe(200);
    expect((await get(endpoint.url, { authorization: endpoint.token, host: 'evil.example' })).status).toBe(
      403,
    );
    expect((await get(endpoint.url, { authorization: '' })).body).not.toContain('AccessKeyId');
  } finally {
    await endpoint.close();
  }
});

test('a renewal that fails is told to the owner and to the asker, without its words', async () => {
  const failures: unknown[] = [];
  const endpoint = await serveEndpoint(
    async () => {
      throw new Error('internal words');
    },
    (error) => failures.push(error),
  );
  const { status, body } = await get(endpoint.url, { authorization: endpoint.token });
  await endpoint.close();
  expect(status).toBe(503);
  expect(body).not.toContain('internal words');
  expect(failures).toHaveLength(1);
});

test('after close nobody answers', async () => {
  const endpoint = await serveEndpoint(
    async () => document,
    () => undefined,
  );
  await endpoint.close();
  await expect(get(endpoint.url, { authorization: endpoint.token })).rejects.toThrow('ECONNREFUSED');
});
