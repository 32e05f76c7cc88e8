import type { HandlerContext } from '@connectrpc/connect';
import { type Caller, callerOf, denied, type ServiceCaller, serviceCallerOf } from '@planton/rpc';

/** A service of the platform that calls about one organisation. */
export interface OrganizationService {
  readonly service: string;
  /** Whom the service acts for, if anyone. */
  readonly actor: ServiceCaller['actor'];
  /** For the record: the actor, or the service itself, as whoever does it and as the service that does it. */
  readonly caller: Caller;
}

/** @throws `ORGANIZATION_MISMATCH` for an actor of another organisation */
export function organizationServiceOf(context: HandlerContext, organizationUid: string): OrganizationService {
  const { service, actor } = serviceCallerOf(context);
  if (actor && actor.membership?.organization.uid !== organizationUid) {
    throw denied('ORGANIZATION_MISMATCH', 'organization_uid is not the organisation of the actor');
  }
  return { service, actor, caller: { ...callerOf(context), via: service } };
}
