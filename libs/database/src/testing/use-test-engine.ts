import { afterAll, beforeAll } from 'vitest';
import type { Engine, EngineKind } from '../engine.ts';
import { openTestEngine, stopTestServer, type TestEngineOptions } from './open-test-engine.ts';

const SETUP_LIMIT_MS = 120_000;

/**
 * Gives the surrounding `describe` a fresh database, closed at its end even when tests fail:
 *
 * ```ts
 * describe.each(engines)('secrets on %s', (kind) => {
 *   const engine = useTestEngine(kind);
 *   beforeAll(() => migrate(engine(), 'secrets', migrations));
 *   test('…', async () => { const database = openDatabase<Tables>(engine(), 'secrets'); … });
 * });
 * ```
 *
 * @returns a function, because the engine exists only once the tests run
 */
export function useTestEngine(kind: EngineKind, options?: TestEngineOptions): () => Engine {
  let engine: Engine | undefined;
  beforeAll(async () => {
    engine = await openTestEngine(kind, options);
  }, SETUP_LIMIT_MS);
  afterAll(async () => {
    await engine?.close();
    engine = undefined;
    await releaseServer(kind);
  }, SETUP_LIMIT_MS);
  if (kind === 'postgres') users += 1;

  return () => {
    if (engine === undefined)
      throw new Error('the test engine exists only while the tests of its describe run');
    return engine;
  };
}

/** Suites of this file still to finish; the last one stops the server. */
let users = 0;

async function releaseServer(kind: EngineKind): Promise<void> {
  if (kind !== 'postgres') return;
  users -= 1;
  if (users === 0) await stopTestServer();
}
