import type { Action } from '../server/service.ts';

/** Needs no permission: any valid signature may ask whose it is. */
export const getCallerIdentity: Action = ({ caller }) => ({
  Arn: caller.arn,
  UserId: caller.userId,
  Account: caller.accountId,
});
