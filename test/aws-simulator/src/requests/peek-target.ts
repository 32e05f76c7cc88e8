import { parseAuthorization } from '../signing/parse-authorization.ts';
import { readParameters } from './read-parameters.ts';
import type { RawRequest } from './request.ts';

/** The service and the action that a request names, before anything of it is believed; less where it is broken. */
export function peekTarget(request: RawRequest): { readonly service?: string; readonly action?: string } {
  const service = attempt(() => parseAuthorization(request).scope.service);
  const action = attempt(() => readParameters(request).get('Action'));
  return { ...(service !== undefined && { service }), ...(action !== undefined && { action }) };
}

function attempt<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}
