export { type Connecting, connectAccount } from './connect-account.ts';
export { freePort } from './free-port.ts';
export { highRates } from './high-rates.ts';
export { inAws, PLATFORM_PRINCIPAL, platformAccount } from './platform-in-aws.ts';
export { type CliOptions, type CliResult, runProgram } from './run-program.ts';
export { type Platform, type PlatformOptions, startPlatform } from './start-platform.ts';
export { type Direction, type NetworkProxy, startProxy } from './start-proxy.ts';
export { type RunnerOptions, type RunnerProcess, startRunner } from './start-runner.ts';
