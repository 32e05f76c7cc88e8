import type { AuthorizationVerdict } from './authorize-connection.ts';
import type { Candidate, Connection, Level, ResolveRequest } from './decision.ts';

/** What one level holds, regardless of which level decides. */
export interface Holding<C extends Connection> {
  readonly level: Level;
  /** False when the request gives nothing to look up at this level. */
  readonly requested: boolean;
  readonly held: Held<C> | null;
}

export interface Held<C extends Connection> {
  readonly connectionUid: string;
  /** `null` when the connection is gone. */
  readonly candidate: Candidate<C> | null;
}

/** What the deciding level says; the wording of results and errors is made from this alone. */
export type Finding<C extends Connection> =
  | {
      readonly outcome: 'selected';
      readonly level: Level;
      readonly connection: C;
      readonly authorization: AuthorizationVerdict;
    }
  | { readonly outcome: 'rejected'; readonly level: Level; readonly connection: C }
  | { readonly outcome: 'dangling'; readonly level: Level; readonly connectionUid: string }
  | { readonly outcome: 'not_found'; readonly level: 'explicit' }
  | { readonly outcome: 'undecided'; readonly level: null };

export interface Inquiry<C extends Connection> {
  readonly request: ResolveRequest;
  /** The provider asked for, or that of the explicit connection when none was; undefined when neither is known. */
  readonly provider: string | undefined;
  /** Strongest level first, each once. */
  readonly holdings: readonly [Holding<C>, Holding<C>, Holding<C>];
}
