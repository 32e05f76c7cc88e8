import type { Database } from '@planton/database';
import type { IdentityTables } from './schema.ts';
import type { TokenSigner } from './tokens/create-token-signer.ts';

/** What handlers work with. */
export interface Deps {
  readonly database: Database<IdentityTables>;
  readonly signer: TokenSigner;
  /** What links begin with. */
  readonly publicUrl: string;
  readonly newUid: () => string;
  readonly randomBytes: (size: number) => Buffer;
}
