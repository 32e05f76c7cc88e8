import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { AwsError } from '../errors/aws-error.ts';
import { peekTarget } from '../requests/peek-target.ts';
import { answerRequest, writeError } from './answer-request.ts';
import { errorOf, type Faults } from './queue-faults.ts';
import { readRequest } from './read-request.ts';
import type { RecordedCall } from './recorded-call.ts';
import type { World } from './service.ts';

export interface AwsServing {
  readonly world: World;
  readonly faults: Faults;
  readonly now: () => Date;
  readonly stopping: AbortSignal;
  remember(record: RecordedCall): void;
}

/** Answers a request that is for a service of AWS, or has it meet a fault instead. Never throws. */
export async function serveAws(
  message: IncomingMessage,
  response: ServerResponse,
  { world, faults, now, stopping, remember }: AwsServing,
): Promise<void> {
  const requestId = randomUUID();
  const method = message.method ?? '';
  try {
    const request = await readRequest(message);
    const target = peekTarget(request);
    const { fault, milliseconds } = faults.take(target);
    if (milliseconds > 0) await sleep(milliseconds, undefined, { signal: stopping });
    if (fault !== undefined) {
      const error = errorOf(fault);
      const { status = 0, code } = error ?? {};
      remember({ requestId, time: now(), method, status, ...(code !== undefined && { code }) });
      if (error === undefined) return void message.socket.resetAndDestroy();
      return send(response, error.status, writeError(error, requestId, target.service), requestId);
    }
    const { status, xml, record } = answerRequest(request, world, requestId, now());
    remember(record);
    send(response, status, xml, requestId);
  } catch (error) {
    // A client that went away has nobody to be answered.
    if (!(error instanceof AwsError)) return void message.destroy();
    const { status, code } = error;
    remember({ requestId, time: now(), method, status, code });
    // The rest of the body stays unread, so the connection cannot be used again.
    response.setHeader('connection', 'close');
    send(response, status, writeError(error, requestId), requestId);
  }
}

function send(response: ServerResponse, status: number, xml: string, requestId: string): void {
  response.writeHead(status, {
    'content-type': 'text/xml',
    'content-length': Buffer.byteLength(xml),
    'x-amzn-RequestId': requestId,
  });
  response.end(xml);
}
