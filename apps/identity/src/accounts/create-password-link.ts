import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { HandlerContext } from '@connectrpc/connect';
import type {
  CreatePasswordLinkRequest,
  CreatePasswordLinkResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { callerOf, state } from '@planton/rpc';
import { hashKey } from '../api-keys/mint-key.ts';
import { recordAudit } from '../audit/audit-store.ts';
import type { Deps } from '../deps.ts';
import { mintLinkToken } from '../sign-in/open-link.ts';
import { accountMessage } from './account-message.ts';
import { openAccount, readAccount } from './open-account.ts';
import { putPasswordLink } from './password-link-store.ts';
import { PASSWORD_PATH } from './serve-password.ts';

/**
 * Makes a link that sets a new password. It leaves in this answer and nowhere else.
 *
 * Throws `INSTANCE_OWNER_ONLY`, `ACCOUNT_NOT_FOUND`, `ACCOUNT_DISABLED`, `ACCOUNT_WITHOUT_EMAIL`.
 */
export function createPasswordLink({ database, publicUrl, randomBytes }: Deps) {
  return async (
    { uid }: CreatePasswordLinkRequest,
    context: HandlerContext,
  ): Promise<MessageInitShape<typeof CreatePasswordLinkResponseSchema>> => {
    const caller = callerOf(context);
    const token = mintLinkToken(randomBytes);
    const { expireTime, account } = await database.transact(async (tx) => {
      const { subject } = await openAccount(tx, caller, uid);
      const account = accountMessage(await readAccount(tx, uid));
      if (subject.disable_time !== null) {
        throw state('ACCOUNT_DISABLED', `the account of ${subject.name} is disabled`, {
          hint: `planton account enable ${uid}`,
          metadata: { uid },
        });
      }
      if (account.email === '') {
        throw state(
          'ACCOUNT_WITHOUT_EMAIL',
          `${subject.name} has no e-mail address to sign in with a password`,
          { hint: 'planton server owner-link sets up the account of the owner', metadata: { uid } },
        );
      }
      const expireTime = await putPasswordLink(tx, uid, hashKey(token));
      await recordAudit(tx, '', caller, {
        action: 'account.create_password_link',
        resource: { kind: 'user', uid, slug: subject.name },
      });
      return { expireTime, account };
    });
    const link = `${publicUrl}${PASSWORD_PATH}?token=${token}`;
    return { link, expireTime: timestampFromDate(expireTime), account };
  };
}
