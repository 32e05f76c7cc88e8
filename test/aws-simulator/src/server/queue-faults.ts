import { type AwsError, internalFailure, serviceUnavailable, throttling } from '../errors/aws-error.ts';

/** What a request can meet instead of its answer. */
export type Fault = 'throttling' | 'internal_failure' | 'service_unavailable' | 'disconnect';

/** What the next requests meet, in order. */
export interface Faults {
  /** @param times of the requests that come next; `Infinity` until they are cleared */
  add(fault: Fault, times: number): void;
  take(): Fault | undefined;
  clear(): void;
}

export function queueFaults(): Faults {
  const queue: { readonly fault: Fault; left: number }[] = [];
  return {
    add: (fault, times) => void queue.push({ fault, left: times }),
    take: () => {
      const [first] = queue;
      if (first === undefined) return undefined;
      first.left -= 1;
      if (first.left <= 0) queue.shift();
      return first.fault;
    },
    clear: () => void queue.splice(0),
  };
}

/** Undefined for a connection that ends without an answer. */
export function errorOf(fault: Fault): AwsError | undefined {
  const errors: Readonly<Record<Fault, (() => AwsError) | undefined>> = {
    throttling,
    internal_failure: internalFailure,
    service_unavailable: serviceUnavailable,
    disconnect: undefined,
  };
  return errors[fault]?.();
}
