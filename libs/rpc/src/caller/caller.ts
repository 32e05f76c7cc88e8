import { createContextKey, type HandlerContext } from '@connectrpc/connect';
import type { Permission } from '@planton/api/common/v1/access';
import { type RoleName, roleHolds } from '../access/permissions.ts';
import { internal } from '../errors/domain-error.ts';

/** Who is behind a token. */
export interface Subject {
  readonly kind: 'user' | 'service_account' | 'service';
  readonly uid: string;
  readonly name: string;
  /** The API key, or the session grant of a person who signed in, that was used, if one was. */
  readonly apiKeyUid?: string;
  /** Whether the subject may create organisations on this server. */
  readonly instanceOwner: boolean;
}

/** A subject's place in the one organisation that its token speaks for. */
export interface Membership {
  readonly organization: { readonly uid: string; readonly slug: string };
  readonly role: RoleName;
  /** Uids of the environments that the role covers; `all` includes the organisation level. */
  readonly environments: readonly string[] | 'all';
}

/** Whoever an RPC is carried out for, as verified. */
export interface Caller {
  readonly subject: Subject;
  readonly membership?: Membership;
  /** The service of the platform that acts in the subject's name, if one does. */
  readonly via?: string;
  /** Id of the request, the same in every service that it passes. */
  readonly requestId: string;
  readonly peerAddress: string;
}

/** A caller whose membership in the request's organisation was checked. */
export interface OrganizationCaller extends Caller {
  readonly membership: Membership;
}

/** A service of the platform that calls, with the actor that it calls for if there is one. */
export interface ServiceCaller {
  readonly service: string;
  readonly actor?: Caller;
  readonly requestId: string;
  readonly peerAddress: string;
}

export const callerKey = createContextKey<Caller | undefined>(undefined, { description: 'caller' });
export const serviceCallerKey = createContextKey<ServiceCaller | undefined>(undefined, {
  description: 'service caller',
});
export const requestIdKey = createContextKey('', { description: 'request id' });
export const peerAddressKey = createContextKey('', { description: 'peer address' });
/**
 * The address of a stranger who calls an anonymous RPC over the network: wrong credentials in its message are counted for it. Empty for
 * services of the platform, which bring the credentials of others.
 */
export const strangerAddressKey = createContextKey('', { description: 'stranger address' });
/** The verified access token of the actor, to be forwarded when a service calls another for the actor. */
export const actorTokenKey = createContextKey<string | undefined>(undefined, { description: 'actor token' });

/** Where a request comes from: for RPCs that have no caller in this sense. */
export interface RequestOrigin {
  readonly requestId: string;
  readonly peerAddress: string;
}

export function requestOriginOf(context: HandlerContext): RequestOrigin {
  return {
    requestId: context.values.get(requestIdKey),
    peerAddress: context.values.get(peerAddressKey),
  };
}

/** The caller of an RPC that needs an identity. */
export function callerOf(context: HandlerContext): Caller {
  const caller = context.values.get(callerKey);
  if (!caller) throw internal('NO_CALLER', `${context.method.name} was reached without a caller`);
  return caller;
}

/** The caller of an RPC that needs a permission; its membership is that of the request's organisation. */
export function organizationCallerOf(context: HandlerContext): OrganizationCaller {
  const caller = callerOf(context);
  if (!isMember(caller))
    throw internal('NO_MEMBERSHIP', `${context.method.name} was reached without a membership`);
  return caller;
}

function isMember(caller: Caller): caller is OrganizationCaller {
  return caller.membership !== undefined;
}

/** The calling service of an RPC that only services may call. */
export function serviceCallerOf(context: HandlerContext): ServiceCaller {
  const caller = context.values.get(serviceCallerKey);
  if (!caller) throw internal('NO_SERVICE_CALLER', `${context.method.name} was reached without a service`);
  return caller;
}

/** Whether the member holds the permission. */
export function hasPermission(membership: Membership, permission: Permission): boolean {
  return roleHolds(membership.role, permission);
}
