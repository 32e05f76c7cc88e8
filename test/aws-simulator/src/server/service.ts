import type { Caller } from '../identities/identity.ts';
import type { XmlElements } from '../xml/write-xml.ts';

/** One call of an action, its signature verified. */
export interface Call {
  readonly caller: Caller;
  readonly region: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly now: Date;
}

/**
 * Performs an action of a service and returns what its result element holds.
 *
 * @throws AwsError what the client is answered instead
 */
export type Action = (call: Call) => XmlElements;

/** A service of AWS that speaks the query protocol. */
export interface Service {
  /** As credential scopes name it. */
  readonly name: string;
  readonly version: string;
  readonly namespace: string;
  readonly actions: ReadonlyMap<string, Action>;
}
