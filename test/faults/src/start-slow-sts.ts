import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const ANSWER = `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
<Arn>arn:aws:iam::123456789012:user/runner</Arn><UserId>AIDAEXAMPLE</UserId><Account>123456789012</Account>
</GetCallerIdentityResult><ResponseMetadata><RequestId>slow</RequestId></ResponseMetadata></GetCallerIdentityResponse>`;

/** What stands for AWS where an operation has to last for as long as a test wants. */
export interface SlowSts {
  readonly url: string;
  /** Requests that wait for their answer. */
  waiting(): number;
  /** Requests that were answered since the start. */
  answered(): number;
  /** Answers what waits, and from now on at once. */
  release(): void;
  /** From now on requests wait again. */
  hold(): void;
  stop(): Promise<void>;
}

export async function startSlowSts(): Promise<SlowSts> {
  let holds = true;
  let answered = 0;
  const held = new Set<ServerResponse>();
  const answer = (response: ServerResponse) => {
    held.delete(response);
    answered += 1;
    response.writeHead(200, { 'content-type': 'text/xml' }).end(ANSWER);
  };
  const server = createServer((request, response) => {
    request.resume();
    held.add(response);
    response.once('close', () => held.delete(response));
    if (!holds) answer(response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waiting: () => held.size,
    answered: () => answered,
    release: () => {
      holds = false;
      for (const response of held) answer(response);
    },
    hold: () => {
      holds = true;
    },
    stop: () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return closed;
    },
  };
}
