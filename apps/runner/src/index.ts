export { createRunner, type Runner, type RunnerSettings } from './create-runner.ts';
export { main } from './main.ts';
export type { RegisteredKind } from './operations/operation-kind.ts';
export { defineKind } from './operations/operation-kind.ts';
export type { RunnerEnd } from './session/keep-session.ts';
export type { RunnerState } from './session/runner-state.ts';
export { defaultTiming, type Timing } from './session/timing.ts';
