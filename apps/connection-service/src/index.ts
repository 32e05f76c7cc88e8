export {
  type ConnectionServiceDeps,
  createConnectionService,
  type RunningConnectionService,
} from './create-connection-service.ts';
