import { Permission } from '@planton/api/common/v1/access';
import { roleHolds } from '@planton/rpc';
import { grantIncludes } from '../members/authorize-grant.ts';
import type { Grant } from '../members/member-store.ts';

/** Whether an open invitation can be accepted, or why not. */
export type Standing = 'good' | 'inviter_may_not' | 'covers_nothing';

/**
 * Decides by what is so now, not when it was made: whoever invites has to be a member who may give what is given, and what is left of the
 * environments has to be something, since none at all would stand for everything elsewhere.
 *
 * @param given what the invitation gives, without the environments that were deleted meanwhile
 * @param inviter what whoever invites may do; undefined where nothing
 */
export function decideStanding(given: Grant, inviter: Grant | undefined): Standing {
  if (!inviter || !roleHolds(inviter.role, Permission.MEMBER_MANAGE) || !grantIncludes(inviter, given)) {
    return 'inviter_may_not';
  }
  return given.environments.length === 0 ? 'covers_nothing' : 'good';
}
