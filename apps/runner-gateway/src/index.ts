export {
  createRunnerGateway,
  type RunnerGatewayDeps,
  type RunningRunnerGateway,
} from './create-runner-gateway.ts';
