export type { AccessKey, Account, User } from './identities/identity.ts';
export type { RecordedCall } from './server/recorded-call.ts';
export type { AwsSimulator, AwsSimulatorOptions } from './server/start-simulator.ts';
export { startAwsSimulator } from './server/start-simulator.ts';
