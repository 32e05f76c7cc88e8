import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  ListAccountsRequest,
  ListAccountsResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import { encodePageToken, pageSizeOf, textPosition } from '@planton/rpc';
import type { Deps } from '../deps.ts';
import { readEmail } from '../sign-in/read-person.ts';
import { accountMessage } from './account-message.ts';
import { listAccountsOf } from './account-store.ts';

/** The people of the instance, disabled ones too, by name. */
export function listAccounts({ database }: Pick<Deps, 'database'>) {
  return async ({
    email,
    pageSize,
    pageToken,
  }: ListAccountsRequest): Promise<MessageInitShape<typeof ListAccountsResponseSchema>> => {
    const query = JSON.stringify(['accounts', email]);
    const [name, uid] = textPosition(pageToken, query, 2) ?? [];
    const address = email === '' ? undefined : readEmail(email);
    if (email !== '' && address === undefined) return {};
    const size = pageSizeOf(pageSize);
    const rows = await listAccountsOf(
      database.query,
      {
        ...(address !== undefined && { email: address }),
        ...(name !== undefined && uid !== undefined && { after: { name, uid } }),
      },
      size + 1,
    );
    const page = rows.slice(0, size);
    const last = page.at(-1);
    return {
      accounts: page.map(accountMessage),
      nextPageToken: rows.length > size && last ? encodePageToken([last.name, last.uid], query) : '',
    };
  };
}
