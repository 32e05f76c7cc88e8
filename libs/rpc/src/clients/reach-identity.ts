import { timestampMs } from '@bufbuild/protobuf/wkt';
import { type Client, createClient } from '@connectrpc/connect';
import { Identity } from '@planton/api/identity/v1/identity_service';
import type { IdentityPort } from '../server/guard.ts';
import { keepServiceToken } from './service-token.ts';
import { createNetworkTransport } from './service-transport.ts';

/** Identity over the network, for a service that runs alone. */
export interface ReachedIdentity {
  readonly port: IdentityPort;
  /** The service's own access token. */
  readonly token: () => Promise<string>;
}

/**
 * Reaches Identity in the name of a service.
 *
 * @param baseUrl where Identity listens, such as `http://127.0.0.1:8081`
 * @param serviceKey the service's own API key
 * @param beforeCall throws where no call may be made, such as inside a transaction
 */
export function reachIdentity(settings: {
  readonly baseUrl: string;
  readonly serviceKey: string;
  readonly beforeCall: (what: string) => void;
  readonly now: () => number;
}): ReachedIdentity {
  const { baseUrl, beforeCall } = settings;
  const stranger = createClient(Identity, createNetworkTransport(baseUrl, { beforeCall }));

  const exchangeAs = (identity: Client<typeof Identity>): IdentityPort['exchange'] => {
    return async (apiKey, org) => {
      const { accessToken, expireTime } = await identity.exchangeToken({ apiKey, org });
      return { token: accessToken, expireTime: expireTime ? timestampMs(expireTime) : 0 };
    };
  };
  const asStranger = exchangeAs(stranger);
  const token = keepServiceToken({ exchange: () => asStranger(settings.serviceKey, ''), now: settings.now });
  const service = createClient(Identity, createNetworkTransport(baseUrl, { token, beforeCall }));

  return {
    token,
    port: {
      // In the name of the service: wrong keys of its callers are counted here, and not at Identity for this service.
      exchange: exchangeAs(service),
      fetchKeys: async () => JSON.parse((await service.getJsonWebKeySet({})).jsonWebKeySet),
      readRevocations: async () => {
        const { revocations } = await service.listRevocations({});
        return new Map(
          revocations.map(({ subject, notBefore }) => [subject, notBefore ? timestampMs(notBefore) : 0]),
        );
      },
      lookUpEnvironments: async (organizationUid) =>
        (await service.lookUpEnvironments({ organizationUid })).environments,
    },
  };
}
