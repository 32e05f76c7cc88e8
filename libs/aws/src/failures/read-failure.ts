import type { AwsFailure } from './failure.ts';

const DEEPEST = 5;

/** Reads what the AWS SDK, or Node beneath it, threw. Takes anything and never throws. */
export function readAwsFailure(error: unknown): AwsFailure {
  const inner = innermost(error);
  const httpStatus = pick(error, (each) => statusOf(each));
  const networkCode = pick(error, (each) => textOf(each, 'code'));
  return {
    name: textOf(error, 'name') ?? 'Error',
    message: textOf(error, 'message') ?? textOf(inner, 'message') ?? '',
    ...(httpStatus !== undefined && { httpStatus }),
    ...(networkCode !== undefined && { networkCode }),
  };
}

/** The first answer along the chain of causes; of several attempts to connect, the first one's. */
function pick<Value>(error: unknown, read: (error: unknown) => Value | undefined): Value | undefined {
  let current = error;
  for (let depth = 0; depth < DEEPEST && current !== undefined; depth++) {
    const found = read(current);
    if (found !== undefined) return found;
    current = causeOf(current);
  }
  return undefined;
}

function innermost(error: unknown): unknown {
  let current = error;
  for (let depth = 0; depth < DEEPEST; depth++) {
    const cause = causeOf(current);
    if (cause === undefined) break;
    current = cause;
  }
  return current;
}

function causeOf(error: unknown): unknown {
  const attempts = fieldOf(error, 'errors');
  return (Array.isArray(attempts) ? attempts[0] : undefined) ?? fieldOf(error, 'cause');
}

function statusOf(error: unknown): number | undefined {
  const status =
    fieldOf(fieldOf(error, '$metadata'), 'httpStatusCode') ??
    fieldOf(fieldOf(error, '$response'), 'statusCode');
  return typeof status === 'number' ? status : undefined;
}

function textOf(error: unknown, name: string): string | undefined {
  const value = fieldOf(error, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function fieldOf(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined;
  try {
    return (value as Readonly<Record<string, unknown>>)[name];
  } catch {
    return undefined;
  }
}
