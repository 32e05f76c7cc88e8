import type { Migration } from '@planton/database';
import { createIdentitySchema } from './001-create-identity.ts';
import { createTokenSecret } from './002-create-token-secret.ts';
import { createSignIn } from './003-create-sign-in.ts';

/** Every change of the schema, oldest first. One that was released is never edited. */
export const migrations: readonly Migration[] = [createIdentitySchema, createTokenSecret, createSignIn];
