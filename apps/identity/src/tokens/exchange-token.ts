import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type {
  ExchangeTokenRequest,
  ExchangeTokenResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import type { Deps } from '../deps.ts';
import { exchangeKey } from './issue-token.ts';

/** Throws `API_KEY_INVALID`. */
export function exchangeToken(deps: Deps) {
  return async ({
    apiKey,
    org,
  }: ExchangeTokenRequest): Promise<MessageInitShape<typeof ExchangeTokenResponseSchema>> => {
    const { token, expireTime } = await exchangeKey(deps, apiKey, org);
    return { accessToken: token, expireTime: timestampFromMs(expireTime) };
  };
}
