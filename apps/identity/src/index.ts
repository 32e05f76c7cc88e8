export { type BootstrapSettings, platformServices } from './bootstrap/bootstrap-instance.ts';
export { KeyFileRefused } from './bootstrap/keep-key-file.ts';
export { createIdentity, type IdentityService, type IdentitySettings } from './create-identity.ts';
export { prepareOwnerLink } from './sign-in/offer-owner-link.ts';
export { ownerLinkFile } from './sign-in/owner-link.ts';
export type { AccessTokenClaims } from './tokens/access-token.ts';
export type { IssuedToken } from './tokens/issue-token.ts';
export { keepTokenSecret } from './tokens/keep-token-secret.ts';
