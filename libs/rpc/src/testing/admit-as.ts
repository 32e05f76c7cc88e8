import type { Interceptor } from '@connectrpc/connect';
import {
  actorTokenKey,
  type Caller,
  callerKey,
  peerAddressKey,
  requestIdKey,
  serviceCallerKey,
} from '../caller/caller.ts';
import { ACTOR_HEADER } from '../server/admit.ts';

/**
 * Stands where `admit` stands and lets every request in as the same caller: no token, no right and no message is looked at. It is there
 * to measure what letting in costs.
 *
 * @param service the name of the one service that calls others in the caller's name
 */
export function admitAs(fixed: Pick<Caller, 'subject' | 'membership'>, service: string): Interceptor {
  return (next) => (request) => {
    const { contextValues, header } = request;
    const requestId = contextValues.get(requestIdKey);
    const peerAddress = contextValues.get(peerAddressKey);
    const caller = { ...fixed, requestId, peerAddress, ...(header.has(ACTOR_HEADER) && { via: service }) };
    contextValues.set(callerKey, caller);
    contextValues.set(serviceCallerKey, { service, requestId, peerAddress, actor: caller });
    contextValues.set(actorTokenKey, 'anyone');
    return next(request);
  };
}
