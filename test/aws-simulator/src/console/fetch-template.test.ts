import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { fetchTemplates } from './fetch-template.ts';

const URL_OF_S3 = 'https://planton.s3.amazonaws.com/connect.yaml';
const fetchTemplate = fetchTemplates(() => ({ [URL_OF_S3]: 'at hand' }));

let server: Server | undefined;
afterEach(() => {
  server?.closeAllConnections();
  server?.close();
});

async function serve(listener: RequestListener): Promise<string> {
  const listening = createServer(listener);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/template.yaml`;
}

test('a template is at hand or on this machine', async () => {
  expect(await fetchTemplate(URL_OF_S3)).toBe('at hand');
  expect(await fetchTemplate(await serve((_, response) => response.end('gr\u00fcn')))).toBe('gr\u00fcn');
});

describe('refuses', () => {
  test.each([
    'https://planton.s3.amazonaws.com/other.yaml',
    'https://example.com/template.yaml',
    'http://169.254.169.254/latest/meta-data',
    'http://127.0.0.1.example.com/',
    'http://localhost.example.com/',
    'http://2130706433.example/',
    'http://[::ffff:10.0.0.1]/',
    'file:///etc/passwd',
    'constructor',
    '',
  ])('%j', async (url) => {
    await expect(fetchTemplate(url)).rejects.toThrow('TemplateURL must be a supported URL');
  });

  test('a redirection, an error, a text that is too long and one that is not there', async () => {
    const to =
      (location: string): RequestListener =>
      (_, response) =>
        response.writeHead(302, { location }).end();
    await expect(fetchTemplate(await serve(to('https://example.com/')))).rejects.toThrow(
      'it cannot be reached',
    );
    await expect(fetchTemplate(await serve((_, response) => response.writeHead(404).end()))).rejects.toThrow(
      'it answers 404',
    );
    await expect(
      fetchTemplate(await serve((_, response) => response.end('x'.repeat(1_000_001)))),
    ).rejects.toThrow('Template may not exceed 1000000 bytes');
    await expect(fetchTemplate('http://127.0.0.1:1/')).rejects.toThrow('it cannot be reached');
  });
});
