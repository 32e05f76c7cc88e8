import type { AwsAuthentication } from '@planton/api/runner/v1/operation';
import type { TellStep } from '../operation-kind.ts';
import type { AwsKey } from './aws-identity.ts';
import { type AwsCall, assumeRole, requestOf } from './call-aws.ts';
import { explainCall, type Method, secretsOf } from './explain-failure.ts';

/** A way to authenticate that came to a key. */
export interface ResolvedKey {
  readonly key: AwsKey;
  readonly method: Method;
  /** The runner's own key, where it is that or a role was assumed with it. */
  readonly own?: AwsKey;
  /** Values that must not be in what is observed with the key. */
  readonly secrets: readonly string[];
}

/** Thrown with what the SDK threw, and by which call. */
export class KeyUnresolved extends Error {
  readonly method: Method;
  readonly secrets: readonly string[];

  constructor(cause: unknown, method: Method, secrets: readonly string[]) {
    super('no key', { cause });
    this.method = method;
    this.secrets = secrets;
  }
}

/**
 * Comes to a key in the way that the operation names, telling each step.
 *
 * @throws KeyUnresolved
 */
export async function resolveKey(
  call: AwsCall,
  authentication: AwsAuthentication,
  step: TellStep,
): Promise<ResolvedKey> {
  const { method } = authentication;
  if (method.case === 'accessKey') {
    const { accessKeyId, secretAccessKey, sessionToken } = method.value;
    const key = { accessKeyId, secretAccessKey, ...(sessionToken === '' ? {} : { sessionToken }) };
    return { key, method: 'access_key', secrets: secretsOf(method) };
  }
  const how: Method = method.case === 'role' ? 'role' : 'default_chain';
  const own = await tell(step, 'looking for the AWS identity of the runner', call, how, [], () =>
    call.aws.ownKey(),
  );
  const ownSecrets = valuesOf(own);
  if (method.case !== 'role') return { key: own, own, method: how, secrets: ownSecrets };

  const role = method.value;
  const secrets = [...ownSecrets, role.externalId];
  const { key } = await tell(step, `assuming ${role.roleArn}`, call, how, secrets, () =>
    assumeRole(call, own, requestOf(role)),
  );
  return { key, own, method: how, secrets: [...secrets, ...valuesOf(key)] };
}

async function tell<Value>(
  step: TellStep,
  name: string,
  call: AwsCall,
  method: Method,
  secrets: readonly string[],
  act: () => Promise<Value>,
): Promise<Value> {
  step(name, 'RUNNING');
  try {
    const value = await act();
    step(name, 'PASSED');
    return value;
  } catch (error) {
    step(name, 'FAILED', explainCall(error, method, call.region, secrets).observation);
    throw new KeyUnresolved(error, method, secrets);
  }
}

/** What of a key must not be seen. */
export function valuesOf({ accessKeyId, secretAccessKey, sessionToken }: AwsKey): readonly string[] {
  return [accessKeyId, secretAccessKey, ...(sessionToken === undefined ? [] : [sessionToken])];
}
