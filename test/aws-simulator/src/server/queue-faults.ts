import { type AwsError, internalFailure, serviceUnavailable, throttling } from '../errors/aws-error.ts';

/** What a request can meet instead of its answer. */
export type Fault = 'throttling' | 'internal_failure' | 'service_unavailable' | 'disconnect';

/** Which requests meet it: those of one service, of one action, or of all where neither is said. */
export interface FaultTarget {
  /** As credential scopes name it, such as `sts`. */
  readonly service?: string;
  /** Such as `AssumeRole`. */
  readonly action?: string;
}

/** What the next requests meet, in order. */
export interface Faults {
  /** @param times of the requests that come next; `Infinity` until they are cleared */
  add(fault: Fault, times: number, target: FaultTarget): void;
  /** Takes the place of a delay of the same target. */
  delay(milliseconds: number, target: FaultTarget): void;
  /** What a request meets, and by how many milliseconds its answer is late. */
  take(request: FaultTarget): { readonly fault?: Fault; readonly milliseconds: number };
  clear(): void;
}

export function queueFaults(): Faults {
  const queue: { readonly fault: Fault; readonly target: FaultTarget; left: number }[] = [];
  const delays = new Map<string, { readonly target: FaultTarget; readonly milliseconds: number }>();
  return {
    add: (fault, times, target) => void queue.push({ fault, target, left: times }),
    delay: (milliseconds, target) =>
      void delays.set(`${target.service} ${target.action}`, { target, milliseconds }),
    take: (request) => {
      const late = [...delays.values()].filter(({ target }) => isMeant(request, target));
      const milliseconds = Math.max(0, ...late.map((each) => each.milliseconds));
      const at = queue.findIndex(({ target }) => isMeant(request, target));
      const found = queue[at];
      if (found === undefined) return { milliseconds };
      found.left -= 1;
      if (found.left <= 0) queue.splice(at, 1);
      return { fault: found.fault, milliseconds };
    },
    clear: () => {
      queue.splice(0);
      delays.clear();
    },
  };
}

function isMeant(request: FaultTarget, { service, action }: FaultTarget): boolean {
  return (
    (service === undefined || service === request.service) &&
    (action === undefined || action === request.action)
  );
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
