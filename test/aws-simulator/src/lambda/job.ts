/** What the process that runs a function is told, once. */
export interface Job {
  /** Where index.js is. */
  readonly folder: string;
  readonly exported: string;
  readonly event: unknown;
  readonly context: Readonly<Record<string, unknown>>;
  readonly timeoutMilliseconds: number;
  readonly network: Network;
}

/** What the function reaches beyond the simulator, `reachable` as `host:port`. */
export interface Network {
  readonly state: NetworkState;
  readonly reachable: string;
}

/** `refused`: connections are refused at once. `silent`: they never come about. */
export type NetworkState = 'open' | 'refused' | 'silent';

/** What that process says: that the handler is about to be called, and how it ended. */
export type Report =
  | { readonly kind: 'started' }
  | { readonly kind: 'returned' }
  | { readonly kind: 'failed'; readonly error: string };
