export type { AccessKey, Account, Role, User } from './identities/identity.ts';
export type { Fault } from './server/queue-faults.ts';
export type { RecordedCall } from './server/recorded-call.ts';
export type { AwsSimulator, AwsSimulatorOptions } from './server/start-simulator.ts';
export { startAwsSimulator } from './server/start-simulator.ts';
export type { RandomBytes } from './sts/keep-sessions.ts';
export type { AssumeRoleRequest } from './sts/read-assume-role.ts';
