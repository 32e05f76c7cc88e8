import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ProviderConnectionSchema } from '@planton/api/connect/v1/provider_connection';
import { createPlanton, type Planton } from '@planton/client';
import { type Platform, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';

// What a committed connection refers to is always registered as used, whenever the server is killed.

const org = { org: 'acme' };
const secrets = ['key-a', 'key-b', 'key-c'] as const;
let platform: Platform;

beforeAll(async () => {
  platform = await startPlatform();
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');
  for (const slug of secrets) await platform.planton('secret', 'set', slug, 'value=x');
}, 90_000);
afterAll(() => platform?.stop());

const connect = (): Planton => createPlanton({ server: platform.url, apiKey: platform.ownerKey() });

function connection(name: string, secret: string): MessageInitShape<typeof ProviderConnectionSchema> {
  const value = (text: string) => ({ source: { case: 'value' as const, value: text } });
  return {
    kind: {
      case: 'aws',
      value: {
        apiVersion: 'connect.planton.ai/v1',
        kind: 'AwsProviderConnection',
        metadata: { name },
        spec: {
          accountId: value('123456789012'),
          region: value('us-west-2'),
          accessKeyId: { secret },
          secretAccessKey: { secret },
        },
      },
    },
  };
}

/** Changes what connections refer to until the server is gone. */
async function applyUntilKilled(killAfter: number): Promise<void> {
  const { connections } = connect();
  let applied = 0;
  let killed: Promise<unknown> | undefined;
  const work = async (worker: number) => {
    for (let i = 0; i < 200 && !killed; i++) {
      const secret = secrets[(worker + i) % secrets.length] ?? 'key-a';
      try {
        await connections.applyConnection(
          { ...org, connection: connection(`c-${worker}`, secret) },
          { timeoutMs: 5_000 },
        );
      } catch {
        return;
      }
      applied += 1;
      if (applied >= killAfter) killed ??= platform.end('SIGKILL');
    }
  };
  await Promise.all(Array.from({ length: 6 }, (_, worker) => work(worker)));
  await (killed ?? platform.end('SIGKILL'));
}

async function readUsages(
  planton: Planton,
): Promise<Map<string, { owners: Set<string>; confirmed: Set<string> }>> {
  const usages = await Promise.all(
    secrets.map(async (slug) => {
      const { usages } = await planton.config.listUsages({ ...org, target: { case: 'secret', value: slug } });
      const slugs = (of: typeof usages) => new Set(of.map(({ owner }) => owner?.slug ?? ''));
      return [
        slug,
        { owners: slugs(usages), confirmed: slugs(usages.filter(({ confirmed }) => confirmed)) },
      ] as const;
    }),
  );
  return new Map(usages);
}

async function readCommitted(planton: Planton): Promise<(readonly [connection: string, secret: string])[]> {
  const { connections } = await planton.connections.listConnections(org);
  return connections.flatMap(({ kind }) =>
    kind.case === 'aws'
      ? [[kind.value.metadata?.slug ?? '', kind.value.spec?.accessKeyId?.secret ?? ''] as const]
      : [],
  );
}

test.each([7, 13, 29])(
  'after kill -9 at about %i applies',
  async (killAfter) => {
    await applyUntilKilled(killAfter);
    await platform.start();
    const planton = connect();
    const committed = await readCommitted(planton);
    expect(committed.length).toBeGreaterThan(0);
    const registered = await readUsages(planton);
    for (const [name, secret] of committed) expect(registered.get(secret)?.owners).toContain(name);

    // The outbox confirms what was committed.
    const deadline = Date.now() + 20_000;
    let missing = committed;
    while (missing.length > 0 && Date.now() < deadline) {
      const usages = await readUsages(planton);
      missing = committed.filter(([name, secret]) => !usages.get(secret)?.confirmed.has(name));
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    expect(missing).toEqual([]);
    for (const [, secret] of committed) {
      await expect(planton.config.deleteSecret({ ...org, slug: secret })).rejects.toThrow(/in use/);
    }
  },
  90_000,
);
