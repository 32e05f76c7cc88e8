import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type AccountSchema, SignInMethod } from '@planton/api/identity/v1/account';
import { PASSWORD_PROVIDER, shownEmail } from '../sign-in/person-store.ts';
import type { SeenAccount } from './account-store.ts';

export function accountMessage(account: SeenAccount): MessageInitShape<typeof AccountSchema> {
  const methods = account.providers.map((provider) =>
    provider === PASSWORD_PROVIDER ? SignInMethod.PASSWORD : SignInMethod.OIDC,
  );
  return {
    uid: account.uid,
    name: account.name,
    email: shownEmail(account.email) ?? '',
    signInMethods: [...new Set(methods)].sort(),
    instanceOwner: account.instance_owner,
    organizationCount: account.organization_count,
    createTime: timestampFromDate(account.create_time),
    ...(account.disable_time && { disableTime: timestampFromDate(account.disable_time) }),
  };
}
