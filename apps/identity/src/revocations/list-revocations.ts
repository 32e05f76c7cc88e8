import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { ListRevocationsResponseSchema } from '@planton/api/identity/v1/identity_service';
import type { Deps } from '../deps.ts';
import { listRevocations as readRevocations } from './revocation-store.ts';

/** Polled by every service: one small statement, and always the whole picture, so a lost answer loses nothing. */
export function listRevocations({ database }: Pick<Deps, 'database'>) {
  return async (): Promise<MessageInitShape<typeof ListRevocationsResponseSchema>> => {
    const snapshot = await readRevocations(database.query);
    return {
      revocations: [...snapshot].map(([subject, notBefore]) => ({
        subject,
        notBefore: timestampFromMs(notBefore),
      })),
    };
  };
}
