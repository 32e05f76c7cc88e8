import { createHash } from 'node:crypto';
import { parseArn, parseRoleArn } from '@planton/aws';

/** What the function of a stack says. */
export interface Callback {
  readonly setupId: string;
  readonly token: string;
  readonly accountId: string;
  readonly roleArn: string;
  readonly stackId: string;
  readonly externalId: string;
  readonly templateVersion: string;
}

const shapes: Readonly<Record<keyof Callback, RegExp>> = {
  setupId: /^[0-9a-f-]{36}$/,
  token: /^[A-Za-z0-9_-]{43}$/,
  accountId: /^[0-9]{12}$/,
  roleArn: /^[\x21-\x7e]{20,2048}$/,
  stackId: /^[\x21-\x7e]{1,2048}$/,
  externalId: /^[\x21-\x7e]{1,1224}$/,
  templateVersion: /^[\x20-\x7e]{0,64}$/,
};
const fields = Object.keys(shapes) as (keyof Callback)[];

/** Undefined for anything but an object with exactly these fields, each of its shape, its ARNs of that account and of one partition. */
export function parseCallback(body: Buffer): Callback | undefined {
  const read = readJson(body);
  if (typeof read !== 'object' || read === null || Array.isArray(read)) return undefined;
  const given = read as Readonly<Record<string, unknown>>;
  if (Object.keys(given).length !== fields.length) return undefined;
  const isWhole = fields.every((field) => {
    const value = Object.hasOwn(given, field) ? given[field] : undefined;
    return typeof value === 'string' && shapes[field].test(value);
  });
  if (!isWhole) return undefined;
  const callback = given as unknown as Callback;
  const role = parseRoleArn(callback.roleArn);
  const stack = parseArn(callback.stackId);
  const isConsistent =
    role.ok &&
    stack.ok &&
    role.value.accountId === callback.accountId &&
    stack.value.accountId === callback.accountId &&
    stack.value.partition === role.value.partition &&
    stack.value.service === 'cloudformation' &&
    stack.value.region !== '' &&
    stack.value.resource.startsWith('stack/');
  return isConsistent ? callback : undefined;
}

/** The same for a callback that is sent again, whichever token of the set-up it has. */
export function hashClaim({
  setupId,
  accountId,
  roleArn,
  stackId,
  externalId,
  templateVersion,
}: Callback): Buffer {
  const content = JSON.stringify([setupId, accountId, roleArn, stackId, externalId, templateVersion]);
  return createHash('sha256').update(content).digest();
}

export function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function readJson(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}
