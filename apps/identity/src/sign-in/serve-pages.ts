import type { HttpRoute } from '@planton/rpc';
import { servePassword } from '../accounts/serve-password.ts';
import { DEVICE_GRANT, pollDevice } from '../grants/poll-device.ts';
import { AUTHORIZE_PATH, serveAuthorize } from '../grants/serve-authorize.ts';
import { DEVICE_AUTHORIZATION_PATH, serveDevice } from '../grants/serve-device.ts';
import { serveDiscovery } from '../grants/serve-discovery.ts';
import { REVOKE_PATH, serveToken, TOKEN_PATH } from '../grants/serve-token.ts';
import { serveInvitation } from '../invitations/serve-invitation.ts';
import { serveOidc } from '../oidc/serve-oidc.ts';
import { serveOwner } from './serve-owner.ts';
import { serveSignIn } from './serve-sign-in.ts';
import type { Site } from './site.ts';

/** Everything about sign-in that is answered on the server's port. */
export function servePages(site: Site, ownerLinkFile: string | undefined): readonly HttpRoute[] {
  const { publicUrl } = site;
  return [
    ...serveOwner(site, ownerLinkFile),
    ...serveInvitation(site),
    ...servePassword(site),
    ...serveSignIn(site),
    ...(site.oidc ? serveOidc(site, site.oidc) : []),
    ...serveAuthorize(site),
    ...serveToken(site, { [DEVICE_GRANT]: (form, peer) => pollDevice(site, form, peer) }),
    ...serveDevice(site),
    ...serveDiscovery(publicUrl, {
      authorization_endpoint: `${publicUrl}${AUTHORIZE_PATH}`,
      token_endpoint: `${publicUrl}${TOKEN_PATH}`,
      device_authorization_endpoint: `${publicUrl}${DEVICE_AUTHORIZATION_PATH}`,
      revocation_endpoint: `${publicUrl}${REVOKE_PATH}`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code', 'refresh_token', DEVICE_GRANT],
      code_challenge_methods_supported: ['S256'],
      token_endpoint_auth_methods_supported: ['none'],
      revocation_endpoint_auth_methods_supported: ['none'],
      authorization_response_iss_parameter_supported: true,
    }),
  ];
}
