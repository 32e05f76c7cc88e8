export type {
  Authorization,
  AuthorizationCause,
  AuthorizationStep,
  Candidate,
  Connection,
  Decision,
  DecisionStep,
  DefaultRecord,
  Environment,
  Level,
  LevelOutcome,
  LevelStep,
  Resolution,
  ResolutionError,
  ResolutionReason,
  ResolveRequest,
  Snapshot,
} from './decision.ts';
export { LEVELS } from './decision.ts';
export { resolveConnection } from './resolve-connection.ts';
