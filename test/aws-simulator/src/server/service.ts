import type { Stacks } from '../cloudformation/stacks/keep-stacks.ts';
import type { Caller, FindCredential, FindRole } from '../identities/identity.ts';
import type { PolicyDocument } from '../policies/identity-policy.ts';
import type { Sessions } from '../sts/keep-sessions.ts';
import type { AssumeRoleRequest } from '../sts/read-assume-role.ts';
import type { XmlElements } from '../xml/write-xml.ts';

/** What there is: accounts with their keys, roles and policies, the sessions that were issued, and stacks. */
export interface World {
  readonly findCredential: FindCredential;
  readonly findRole: FindRole;
  /** A managed policy by its ARN. */
  findPolicy(arn: string): PolicyDocument | undefined;
  readonly sessions: Sessions;
  readonly stacks: Stacks;
}

/** One call of an action, its signature verified. */
export interface Call extends Omit<World, 'findCredential'> {
  readonly caller: Caller;
  readonly region: string;
  readonly parameters: ReadonlyMap<string, string>;
  readonly now: Date;
  /** @throws AwsError `AccessDenied` where the caller has no leave to do it to a resource, by its ARN, or to `*` */
  authorize(action: string, resource: string): void;
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
