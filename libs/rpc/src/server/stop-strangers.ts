import type { HandlerContext } from '@connectrpc/connect';
import { accessRuleOf } from '../access/access-rule.ts';
import type { Authenticator } from '../authentication/authenticator.ts';
import { peerAddressKey, strangerAddressKey } from '../caller/caller.ts';
import type { Limits } from '../limits/limits.ts';
import { credentialOf, findCredential } from './credential-of.ts';
import { type RefusalSettings, refuse, requestIdOf, roundedMs } from './observe.ts';

/** Looks at a request before its body is read. Throws what the caller is to be told. */
export type RequestGate = (context: HandlerContext) => Promise<void>;

/**
 * Stops strangers at the door: of whoever shows no good credential not a byte of the body is read, decompressed or parsed. What the
 * caller may do is decided once the message names the organisation, see `admit`.
 */
export function stopStrangers(
  settings: RefusalSettings & {
    readonly authenticator: Authenticator;
    readonly limits: Limits;
    readonly newRequestId: () => string;
    /** Monotonic clock, milliseconds. */
    readonly now: () => number;
  },
): RequestGate {
  const { authenticator, limits } = settings;

  const look = async ({ method, requestHeader, values }: HandlerContext) => {
    const { rule } = accessRuleOf(method);
    const address = values.get(peerAddressKey);
    if (rule.case !== 'anonymous') {
      await authenticator.authenticate(credentialOf(requestHeader), '', address);
    } else if (!(await authenticator.isService(findCredential(requestHeader)))) {
      await limits.requests.countStranger(address);
      values.set(strangerAddressKey, address);
    }
  };

  return async (context) => {
    const started = settings.now();
    try {
      await look(context);
    } catch (thrown) {
      const request_id = requestIdOf(context.requestHeader, settings.newRequestId);
      const duration_ms = roundedMs(settings.now() - started);
      throw refuse(settings, context.method, { request_id, duration_ms }, thrown);
    }
  };
}
