import type { Migration } from '@planton/database';
import { createIdentitySchema } from './001-create-identity.ts';
import { createTokenSecret } from './002-create-token-secret.ts';
import { sealAudit } from './003-seal-audit.ts';
import { createSignIn } from './004-create-sign-in.ts';
import { createInvitations } from './005-create-invitations.ts';

/** Every change of the schema, oldest first. One that was released is never edited. */
export const migrations: readonly Migration[] = [
  createIdentitySchema,
  createTokenSecret,
  sealAudit,
  createSignIn,
  createInvitations,
];
