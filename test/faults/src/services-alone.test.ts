import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Services, startServices } from './start-services.ts';

// Each service as a process of its own, over the network, on PostgreSQL: the same calls as in one process.

let services: Services;
beforeAll(async () => {
  services = await startServices();
}, 120_000);
afterAll(() => services?.stop());

test('a connection is made, resolved and issued across the processes', async () => {
  const org = { org: 'acme' };
  const planton = services.owner;
  await planton.identity.createOrganization({ slug: 'acme' });
  await planton.identity.createEnvironment({ ...org, slug: 'production' });
  await planton.config.setSecret({ ...org, slug: 'key-id', entries: { value: 'AKIAIOSFODNN7EXAMPLE' } });
  await planton.config.setSecret({
    ...org,
    slug: 'key',
    entries: { value: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  });
  await planton.connections.applyConnection({
    ...org,
    connection: {
      kind: {
        case: 'aws',
        value: {
          apiVersion: 'connect.planton.ai/v1',
          kind: 'AwsProviderConnection',
          metadata: { name: 'main' },
          spec: {
            accountId: { source: { case: 'value', value: '123456789012' } },
            region: { source: { case: 'value', value: 'us-west-2' } },
            accessKeyId: { secret: 'key-id' },
            secretAccessKey: { secret: 'key' },
          },
        },
      },
    },
  });
  const spec = { provider: 'aws', connection: 'main' };
  const manifest = { apiVersion: 'connect.planton.ai/v1', kind: 'DefaultProviderConnection', spec };
  await planton.connections.setDefaultProviderConnection({ ...org, default: manifest });
  const { credentials } = await planton.connections.issueCredentials({ ...org, environment: 'production' });
  expect(credentials.value?.accessKeyId).toBe('AKIAIOSFODNN7EXAMPLE');
  const { usages } = await planton.config.listUsages({ ...org, target: { case: 'secret', value: 'key' } });
  expect(usages).toMatchObject([{ owner: { slug: 'main' }, confirmed: true }]);
});
