import type { Caller, FindCredential, FindRole } from '../identities/identity.ts';
import type { Sessions } from '../sts/keep-sessions.ts';
import type { AssumeRoleRequest } from '../sts/read-assume-role.ts';
import type { XmlElements } from '../xml/write-xml.ts';

/** What there is: accounts with their keys and roles, and the sessions that were issued. */
export interface World {
  readonly findCredential: FindCredential;
  readonly findRole: FindRole;
  readonly sessions: Sessions;
}

/** One call of an action, its signature verified. */
export interface Call extends Pick<World, 'findRole' | 'sessions'> {
  readonly caller: Caller;
  readonly region: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly now: Date;
  /** Puts what was asked for on the record of the call, whatever comes of it. */
  note(assumeRole: AssumeRoleRequest): void;
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
