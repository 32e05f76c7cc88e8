import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  EnableAccountRequest,
  EnableAccountResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { callerOf } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { accountMessage } from './account-message.ts';
import { setDisabled } from './account-store.ts';
import { openAccount, readAccount } from './open-account.ts';
import { recordStanding } from './record-standing.ts';

/**
 * Lets a person in again. What was signed in before stays ended; API keys that were not revoked or expired meanwhile are good again.
 *
 * Throws `INSTANCE_OWNER_ONLY`, `ACCOUNT_NOT_FOUND`.
 */
export function enableAccount({ database }: Pick<Deps, 'database'>) {
  return async (
    { uid }: EnableAccountRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof EnableAccountResponseSchema>> => {
    const caller = callerOf(context);
    return database.transact(async (tx) => {
      const { subject } = await openAccount(tx, caller, uid);
      if (subject.disable_time !== null) {
        await setDisabled(tx, uid, false);
        await recordStanding(tx, caller, 'account.enable', subject);
      }
      return { account: accountMessage(await readAccount(tx, uid)) };
    });
  };
}
