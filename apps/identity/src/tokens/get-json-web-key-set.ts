import type { MessageInitShape } from '@bufbuild/protobuf';
import type { GetJsonWebKeySetResponseSchema } from '@planton/api/identity/v1/identity_service';
import type { Deps } from '../deps.ts';

export function getJsonWebKeySet({ signer }: Deps) {
  return async (): Promise<MessageInitShape<typeof GetJsonWebKeySetResponseSchema>> => ({
    jsonWebKeySet: JSON.stringify(await signer.publicKeys()),
  });
}
