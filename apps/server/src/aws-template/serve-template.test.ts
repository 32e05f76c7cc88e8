import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { renderTemplate } from '@planton/aws';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTemplatePart } from './serve-template.ts';

const [route] = createTemplatePart().http ?? [];
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => void route?.handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

const headers = {
  'content-type': 'application/yaml',
  'x-content-type-options': 'nosniff',
  'cache-control': 'public, max-age=300',
  'content-length': String(Buffer.byteLength(renderTemplate())),
};

test('is one route, of the path that links name', () => {
  expect(createTemplatePart().http).toHaveLength(1);
  expect(route).toMatchObject({ method: 'GET', path: '/aws/cloudformation-template.yaml' });
});

test('GET answers the template', async () => {
  const response = await fetch(url);
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject(headers);
  expect(await response.text()).toBe(renderTemplate());
});

test('HEAD answers its headers alone', async () => {
  const response = await fetch(url, { method: 'HEAD' });
  expect(response.status).toBe(200);
  expect(Object.fromEntries(response.headers)).toMatchObject(headers);
  expect(await response.text()).toBe('');
});
