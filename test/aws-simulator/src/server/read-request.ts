import type { IncomingMessage } from 'node:http';
import { requestTooLarge } from '../errors/aws-error.ts';
import type { RawRequest } from '../requests/request.ts';

const LARGEST_BODY = 64 * 1024;

/**
 * Reads a request whole.
 *
 * @throws AwsError `RequestEntityTooLarge` as soon as its body is larger than 64 KiB
 */
export async function readRequest(message: IncomingMessage): Promise<RawRequest> {
  if (Number(message.headers['content-length'] ?? 0) > LARGEST_BODY) throw requestTooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaves the connection open when the body is refused, so that the refusal still reaches the client.
  const body: AsyncIterable<Buffer> = message.iterator({ destroyOnReturn: false });
  for await (const chunk of body) {
    size += chunk.length;
    if (size > LARGEST_BODY) throw requestTooLarge();
    chunks.push(chunk);
  }
  return {
    method: message.method ?? '',
    target: message.url ?? '',
    headers: pairHeaders(message.rawHeaders),
    body: Buffer.concat(chunks),
  };
}

function pairHeaders(raw: readonly string[]): RawRequest['headers'] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] ?? ''] as const] : []));
}
