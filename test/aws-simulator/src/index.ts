export type { StackFault } from './cloudformation/stacks/run-creation.ts';
export type {
  ResourceStatus,
  Stack,
  StackEvent,
  StackResource,
  StackStatus,
} from './cloudformation/stacks/stack.ts';
export type { QuickCreateEdits } from './console/quick-create.ts';
export type { AccessKey, Account, ManagedPolicy, Role, User } from './identities/identity.ts';
export type { Invocation } from './lambda/invoke-functions.ts';
export type { PolicyDocument } from './policies/identity-policy.ts';
export type { Fault, FaultTarget } from './server/queue-faults.ts';
export type { RecordedCall } from './server/recorded-call.ts';
export type { AwsSimulator, AwsSimulatorOptions } from './server/simulator.ts';
export { startAwsSimulator } from './server/start-simulator.ts';
export type { IssuedCredentials, RandomBytes } from './sts/keep-sessions.ts';
export type { AssumeRoleRequest } from './sts/read-assume-role.ts';
