import { randomBytes } from 'node:crypto';

/** The longest answer of a provider of custom resources, in bytes. */
export const LONGEST_RESPONSE = 4_096;
export const RESPONSE_PATH = '/custom-resource-responses/';

/** What a request that awaits an answer is known by. */
export interface Awaited {
  readonly stackId: string;
  readonly logicalId: string;
  readonly requestId: string;
}

/** Presigned URLs at which the answers of providers arrive. */
export interface Responses {
  /** `body` is the first that is put there; `close` when nobody waits any more. */
  open(awaited: Awaited): { readonly url: string; readonly body: Promise<string>; close(): void };
  /** False for a URL that was never given out. What is put to one later on is taken and of no effect, as S3 and CloudFormation have it. */
  put(target: string, body: string): boolean;
}

const MOST_URLS = 1_000;

export function keepResponses(origin: () => string): Responses {
  const awaited = new Map<string, ((body: string) => void) | undefined>();
  return {
    open: ({ stackId, logicalId, requestId }) => {
      const key = encodeURIComponent(`${stackId}|${logicalId}|${requestId}`);
      const signature = randomBytes(32).toString('hex');
      const target = `${RESPONSE_PATH}${key}?X-Amz-Expires=7200&X-Amz-SignedHeaders=host&X-Amz-Signature=${signature}`;
      const body = new Promise<string>((resolve) => awaited.set(target, resolve));
      const [oldest] = awaited.keys();
      if (awaited.size > MOST_URLS && oldest !== undefined) awaited.delete(oldest);
      return { url: origin() + target, body, close: () => void awaited.set(target, undefined) };
    },
    put: (target, body) => {
      if (!awaited.has(target)) return false;
      awaited.get(target)?.(body);
      awaited.set(target, undefined);
      return true;
    },
  };
}
