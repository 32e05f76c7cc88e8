import type { MessageInitShape } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  DisableAccountRequest,
  DisableAccountResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { callerOf, state } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { listOwnedAlone } from '../members/member-store.ts';
import { revoke } from '../revocations/revocation-store.ts';
import { accountMessage } from './account-message.ts';
import { setDisabled } from './account-store.ts';
import { endSignIns } from './end-sign-ins.ts';
import { openAccount, readAccount } from './open-account.ts';
import { recordStanding } from './record-standing.ts';

/**
 * Keeps a person out: nothing is exchanged for a token any more, and no token that was issued is taken. What the person is a member of stays.
 *
 * Throws `INSTANCE_OWNER_ONLY`, `ACCOUNT_NOT_FOUND`, `LAST_INSTANCE_OWNER`.
 */
export function disableAccount({ database }: Pick<Deps, 'database'>) {
  return async (
    { uid }: DisableAccountRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof DisableAccountResponseSchema>> => {
    const caller = callerOf(context);
    return database.transact(async (tx) => {
      const { subject, otherOwners } = await openAccount(tx, caller, uid);
      if (subject.disable_time === null) {
        if (subject.instance_owner && otherOwners === 0) {
          throw state(
            'LAST_INSTANCE_OWNER',
            'without this account nobody could administer the server any more',
            { hint: 'planton account list', metadata: { uid } },
          );
        }
        await setDisabled(tx, uid, true);
        await endSignIns(tx, uid);
        await revoke(tx, [uid]);
        await recordStanding(tx, caller, 'account.disable', subject);
      }
      return {
        account: accountMessage(await readAccount(tx, uid)),
        ownerlessOrgs: await listOwnedAlone(tx, uid),
      };
    });
  };
}
