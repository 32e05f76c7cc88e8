import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';

/** What a sink does with a delivery. */
export type Answer = 'take' | 'refuse' | 'cut' | 'swallow' | 'redirect';

export interface TestSink {
  readonly url: string;
  /** Every delivery that arrived whole, whatever was answered. */
  readonly seen: readonly {
    readonly answer: Answer;
    readonly lines: readonly string[];
    readonly headers: IncomingMessage['headers'];
  }[];
  /** Lines that the sink has taken. */
  taken(): string[];
}

/** A sink over HTTP that answers each delivery as it is told to. */
export async function startSink(answerOf: (delivery: number) => Answer): Promise<TestSink> {
  const seen: { answer: Answer; lines: string[]; headers: IncomingMessage['headers'] }[] = [];
  let deliveries = 0;
  const handle = async (request: IncomingMessage, response: ServerResponse) => {
    const answer = answerOf(deliveries++);
    if (answer === 'cut') {
      request.once('data', () => request.socket.destroy());
      return;
    }
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const lines = Buffer.concat(chunks).toString().split('\n').filter(Boolean);
    seen.push({ answer, lines, headers: request.headers });
    if (answer === 'take') response.writeHead(204).end();
    if (answer === 'refuse') response.writeHead(500).end('x'.repeat(100_000));
    if (answer === 'redirect') response.writeHead(307, { location: '/elsewhere' }).end();
  };
  const server = createServer((request, response) => {
    handle(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (typeof address !== 'object' || !address) throw new Error('the sink has no address');
  return {
    url: `http://127.0.0.1:${address.port}/audit`,
    seen,
    taken: () => seen.filter(({ answer }) => answer === 'take').flatMap(({ lines }) => lines),
  };
}
