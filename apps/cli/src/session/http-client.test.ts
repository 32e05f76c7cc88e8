import { createServer, type RequestListener } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { httpClient } from './http-client.ts';

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/`;
}

const request = (url: string, signal: AbortSignal) =>
  ({ url, method: 'POST', header: new Headers(), signal }) as const;
const gone = new Error('the caller has gone');

test('a caller who goes is told why by what they read, and the server notices', async () => {
  const closed = Promise.withResolvers<void>();
  const url = await listen((_, response) => {
    response.write('a');
    response.once('close', closed.resolve);
  });
  const controller = new AbortController();
  const { body } = await httpClient(request(url, controller.signal));
  const reader = body[Symbol.asyncIterator]();
  expect(String((await reader.next()).value)).toBe('a');
  controller.abort(gone);
  await expect(reader.next()).rejects.toBe(gone);
  await closed.promise;
});

test('a caller who goes before the answer is told why, also one who had gone already', async () => {
  const asked = Promise.withResolvers<void>();
  const url = await listen(() => asked.resolve());
  const controller = new AbortController();
  const answer = httpClient(request(url, controller.signal));
  await asked.promise;
  controller.abort(gone);
  await expect(answer).rejects.toBe(gone);
  await expect(httpClient(request(url, controller.signal))).rejects.toBe(gone);
});

test('a caller may go when the answer is complete but not read to its end', async () => {
  const url = await listen((_, response) => {
    response.write('a');
    response.end('b');
  });
  for (let round = 0; round < 20; round++) {
    const controller = new AbortController();
    const { body } = await httpClient(request(url, controller.signal));
    await body[Symbol.asyncIterator]().next();
    controller.abort(gone);
    await new Promise((resolve) => setImmediate(resolve));
  }
});
