import { existsSync } from 'node:fs';
import { chmod, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite, type PGliteOptions } from '@electric-sql/pglite';
import { sql } from 'kysely';
import { createKysely } from './create-kysely.ts';
import { createEmbeddedDriver } from './drive-embedded.ts';
import type { Engine, Subscription, SubscriptionHandlers } from './engine.ts';
import { lockDataDir } from './lock-data-dir.ts';
import { keepText, OID, parseBytea, parseInt8 } from './parse-value.ts';

export interface EmbeddedSettings {
  /** Created with mode 0700 if missing, and locked against a second process. Absent: in memory, gone at `close`. */
  readonly dataDir?: string;
  /** In memory only: the data directory to start from, as `dumpDataDir` of PGlite makes it. */
  readonly template?: Blob;
}

/**
 * Opens PGlite in this process. The first opening of a data directory takes seconds (it makes the cluster), later ones half of one.
 *
 * The data survive `kill -9` but not a power cut: PGlite does not call fsync.
 *
 * @throws DataDirLockedError when another process has the data directory open
 */
export async function openEmbedded(settings: EmbeddedSettings = {}): Promise<Engine> {
  if (settings.dataDir === undefined) {
    const template = settings.template && { loadDataDir: settings.template };
    return createEngine(await PGlite.create({ ...OPTIONS, ...template }), async () => {});
  }
  const lock = await lockDataDir(settings.dataDir);
  try {
    return createEngine(await openCluster(settings.dataDir), () => lock.release());
  } catch (error) {
    await lock.release();
    throw error;
  }
}

const OPTIONS: PGliteOptions = {
  parsers: { [OID.int8]: parseInt8, [OID.bytea]: parseBytea, [OID.date]: keepText },
};

/** A new cluster is made beside its place and renamed, so that a kill half way leaves nothing that looks like a database. */
async function openCluster(dataDir: string): Promise<PGlite> {
  const cluster = join(dataDir, 'postgres');
  if (!existsSync(cluster)) {
    const fresh = join(dataDir, 'postgres.new');
    await rm(fresh, { recursive: true, force: true });
    await (await PGlite.create({ ...OPTIONS, dataDir: fresh })).close();
    await chmod(fresh, 0o700);
    await rename(fresh, cluster);
  }
  return PGlite.create({ ...OPTIONS, dataDir: cluster });
}

function createEngine(pglite: PGlite, release: () => Promise<void>): Engine {
  const kysely = createKysely(createEmbeddedDriver(pglite));
  let closing: Promise<void> | undefined;
  return {
    kind: 'pglite',
    kysely,
    ping: async () => {
      await sql`select 1`.execute(kysely);
    },
    subscribe: (channel, handlers) => subscribe(pglite, channel, handlers),
    close: () => {
      closing ??= pglite.close().finally(release);
      return closing;
    },
  };
}

function subscribe(pglite: PGlite, channel: string, handlers: SubscriptionHandlers): Subscription {
  let closed = false;
  const listening = pglite.listen(channel, (payload) => {
    if (!closed) handlers.onNotification(payload);
  });
  const ready = listening.then(
    () => {
      if (!closed) handlers.onConnect();
    },
    () => {},
  );
  return {
    ready,
    close: async () => {
      closed = true;
      const unlisten = await listening.catch(() => undefined);
      if (!pglite.closed) await unlisten?.();
    },
  };
}
