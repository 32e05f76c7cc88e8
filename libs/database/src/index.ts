export {
  isCheckViolation,
  isConflict,
  isForeignKeyViolation,
  isUnavailable,
  isUniqueViolation,
} from './classify-error.ts';
export { jsonb } from './encode-jsonb.ts';
export type { Engine, EngineKind, Subscription } from './engine.ts';
export { assertOutsideTransaction, TransactionMisuseError } from './guard-transaction.ts';
export { type ListenOptions, listen, notify } from './listen.ts';
export { type DataDirLock, DataDirLockedError, lockDataDir } from './lock-data-dir.ts';
export { type Migration, MigrationError, type MigrationFailure, migrate } from './migrate.ts';
export { type Database, type DatabaseOptions, openDatabase, type TransactOptions } from './open-database.ts';
export { type EmbeddedSettings, openEmbedded } from './open-embedded.ts';
export { type EngineSettings, openEngine } from './open-engine.ts';
export { openPostgres, type PostgresSettings } from './open-postgres.ts';
export { prepareStatement } from './prepare-statement.ts';
export { shareReads } from './share-reads.ts';
export { takeTurn } from './take-turn.ts';
export { type BatchWriter, writeInBatches } from './write-in-batches.ts';
