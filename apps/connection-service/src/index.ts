export {
  type ConnectionServiceDeps,
  createConnectionService,
  type RunningConnectionService,
} from './create-connection-service.ts';
export type { VerificationPace } from './verification/pace.ts';
