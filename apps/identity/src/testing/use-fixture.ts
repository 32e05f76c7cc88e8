import type { EngineKind } from '@planton/database';
import { useTestEngine } from '@planton/database/testing';
import type { OidcSettings } from '@planton/rpc';
import { afterAll, beforeAll } from 'vitest';
import { type Fixture, openFixture } from './open-fixture.ts';

/** Gives the surrounding `describe` Identity on a fresh database of this kind. */
export function useFixture(kind: EngineKind, oidc?: OidcSettings): () => Fixture {
  const engine = useTestEngine(kind);
  let fixture: Fixture | undefined;
  beforeAll(async () => {
    fixture = await openFixture(engine(), oidc);
  });
  afterAll(async () => {
    await fixture?.close();
  });
  return () => {
    if (!fixture) throw new Error('the fixture exists only while the tests of its describe run');
    return fixture;
  };
}
