import type { StackFault } from '../cloudformation/stacks/run-creation.ts';
import type { Stack } from '../cloudformation/stacks/stack.ts';
import type { QuickCreateEdits } from '../console/quick-create.ts';
import type { Account, Role } from '../identities/identity.ts';
import type { Invocation } from '../lambda/invoke-functions.ts';
import type { PolicyDocument } from '../policies/identity-policy.ts';
import type { IssuedCredentials, RandomBytes } from '../sts/keep-sessions.ts';
import type { Fault, FaultTarget } from './queue-faults.ts';
import type { RecordedCall } from './recorded-call.ts';

export interface AwsSimulatorOptions {
  readonly accounts: readonly Account[];
  /** Whose console the quick-create page is; that of the first account when absent. */
  readonly consoleAccount?: string;
  /** Templates by the URLs, of S3 say, under which the console is to find them. */
  readonly templates?: Readonly<Record<string, string>>;
  /** How many times faster than templates say their `ServiceTimeout` and the `Timeout` of functions are over; 1 when absent. */
  readonly clockFactor?: number;
  /** Port on 127.0.0.1; a free one when absent or 0. */
  readonly listen?: { readonly port?: number };
  readonly now?: () => Date;
  readonly random?: RandomBytes;
}

export interface AwsSimulator {
  /** The endpoint of every service and the origin of the console, such as `http://127.0.0.1:4566`. */
  readonly url: string;
  /** The last thousand requests to services, oldest first, refused ones included. */
  requests(): readonly RecordedCall[];
  /**
   * From now on there are these accounts and no others, and sessions only of roles that are among them; throws as `startAwsSimulator`
   * does, and then changes nothing.
   */
  replaceAccounts(accounts: readonly Account[]): void;

  /** Makes a role, or changes the one of the same name and path, and returns its ARN. Throws what IAM would refuse. */
  putRole(accountId: string, role: Role): string;
  setTrustPolicy(roleArn: string, policy: PolicyDocument): void;
  deleteRole(roleArn: string): void;
  /** Roles that are made, changed or deleted from now on are seen by STS as they were for so many milliseconds. */
  propagationDelay(milliseconds: number): void;

  /** Credentials of a session of a role for an hour, as a program has them that runs as the role. */
  issueSession(roleArn: string, sessionName?: string): IssuedCredentials;
  /** Ends every session of a role that was issued so far: its credentials are answered `ExpiredToken`. */
  expireSessions(): void;

  /** Does what a person does with a quick-create link, and resolves when the stack is accepted; rejects with what the page would show. */
  quickCreate(link: string, edits?: QuickCreateEdits): Promise<Stack>;
  /** By its name that of any account, a deleted one only where there is no other. */
  stack(nameOrArn: string): Stack | undefined;
  /** The stack as soon as nothing is under way any more, however that ended. */
  waitForStack(nameOrArn: string): Promise<Stack>;
  /** Parameters that are not given keep their values, and so does the template unless there is another text. */
  updateStack(nameOrArn: string, parameters: Readonly<Record<string, string>>, template?: string): Stack;
  deleteStack(nameOrArn: string): Stack;
  /** The last 200 runs of functions, oldest first. */
  invocations(): readonly Invocation[];
  /** Resolves, with all of them, when no function runs and none is about to. */
  waitForInvocations(): Promise<readonly Invocation[]>;

  /** The next requests meet a fault, after those that were added before; `Infinity` of them until `heal`. */
  fail(fault: Fault, times?: number, target?: FaultTarget): void;
  /** Every answer, that of a fault too, comes this many milliseconds later. */
  delay(milliseconds: number, target?: FaultTarget): void;
  /** The next stack that is created fails when one of its resources was made. */
  failNextStack(fault: StackFault): void;
  /** Every event of a stack is handed to its function so many times, one after the other. */
  repeatLambda(times: number): void;
  /** Functions reach nothing but CloudFormation: connections are refused, or never come about. */
  blockCallbacks(how?: 'refused' | 'silent'): void;
  /** Forgets faults and delays, that of propagation too. */
  heal(): void;
  /** Ends open connections and functions that run, and frees the port. */
  stop(): Promise<void>;
}
