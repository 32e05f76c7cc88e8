import type { Engine } from './engine.ts';
import { openEmbedded } from './open-embedded.ts';
import { openPostgres } from './open-postgres.ts';

/** Milliseconds between two looks for a database that does not answer at start. */
const RETRY_INTERVAL_MS = 1_000;

export interface EngineSettings {
  /** PostgreSQL; absent for the embedded database. */
  readonly databaseUrl?: string;
  /** Folder of the embedded database. */
  readonly dataDir: string;
  /** What `pg_stat_activity` shows. */
  readonly applicationName: string;
  /** Told about connections lost while nobody was using them. */
  readonly onError: (error: Error) => void;
  /** Told once when PostgreSQL does not answer at start. */
  readonly onWaiting: (error: unknown) => void;
}

/**
 * Opens the database that the settings name, and waits for a PostgreSQL that does not answer: a server that is started
 * before its database comes up by itself.
 *
 * @throws DataDirLockedError when another process has the embedded database open
 */
export async function openEngine(settings: EngineSettings): Promise<Engine> {
  if (settings.databaseUrl === undefined) return openEmbedded({ dataDir: settings.dataDir });
  const { databaseUrl: url, applicationName, onError } = settings;
  const engine = openPostgres({ url, applicationName, onError });
  for (let attempt = 0; ; attempt++) {
    try {
      await engine.ping();
      return engine;
    } catch (error) {
      if (attempt === 0) settings.onWaiting(error);
      await new Promise((resolve) => setTimeout(resolve, RETRY_INTERVAL_MS));
    }
  }
}
