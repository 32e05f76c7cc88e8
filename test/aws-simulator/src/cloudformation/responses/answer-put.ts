import type { IncomingMessage, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { writeXml } from '../../xml/write-xml.ts';
import { LONGEST_RESPONSE, type Responses } from './keep-responses.ts';

/** What is read of an answer that is too long, so that it is known to be. */
const LONGEST_READ = 64 * 1024;

/**
 * Takes the answer of a provider as S3 takes what is put to a presigned URL: its length has to be said, and its `Content-Type`, which
 * the signature holds as empty, has to be empty or absent.
 */
export async function answerPut(
  message: IncomingMessage,
  response: ServerResponse,
  responses: Responses,
): Promise<void> {
  const refuse = (status: number, code: string, explanation: string): void => {
    const body = writeXml('Error', { Code: code, Message: explanation });
    response.writeHead(status, { 'content-type': 'application/xml', connection: 'close' });
    response.end(body);
  };
  const { method, headers, url = '' } = message;
  if (method !== 'PUT') return refuse(405, 'MethodNotAllowed', 'The specified method is not allowed.');
  if ((headers['content-type'] ?? '') !== '') {
    return refuse(403, 'SignatureDoesNotMatch', 'The signature was made for an empty Content-Type.');
  }
  if (headers['content-length'] === undefined) {
    return refuse(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
  }
  if (Number(headers['content-length']) > LONGEST_READ) {
    return refuse(400, 'EntityTooLarge', `Nobody answers with more than ${LONGEST_RESPONSE} bytes.`);
  }
  if (!responses.put(url, await text(message))) {
    return refuse(403, 'AccessDenied', 'Access Denied');
  }
  response.writeHead(200, { 'content-length': 0, etag: '"0"' }).end();
}
