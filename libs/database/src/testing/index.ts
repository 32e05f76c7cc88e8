export { engines, openTestEngine, stopTestServer, type TestEngineOptions } from './open-test-engine.ts';
export { type PostgresServer, type StartPostgresOptions, startPostgres } from './start-postgres.ts';
export { useTestEngine } from './use-test-engine.ts';
export { type SeenStatement, watchStatements } from './watch-statements.ts';
