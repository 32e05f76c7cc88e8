import { engines } from '@planton/database/testing';
import { describe, expect, test } from 'vitest';
import { useSetups } from '../testing/use-setups.ts';
import { awsConnection } from '../testing/use-test-service.ts';
import { retireOwnedSecrets } from './retire-owned-secrets.ts';

describe.each(engines)('external IDs of connections on %s', (kind) => {
  const { service, initiate, age, completed } = useSetups(kind);

  test('are retired with their connection for ever, and a connection made again has another', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    const first = await completed(organization);
    await admin.deleteConnection({ org, connection: 'prod-aws' });
    expect(service().config.secrets.has(`${org}/prod-aws-external-id`)).toBe(false);
    const again = await initiate(organization);
    expect(again.role?.externalId).not.toBe(first.role?.externalId);
    expect(again.setup?.connectionUid).not.toBe(first.setup?.connectionUid);
  });

  test('of a set-up that came to nothing are retired, and those in use are not', async () => {
    const organization = await service().newOrganization();
    const { slug: org } = organization;
    await completed(organization);
    await initiate(organization, { name: 'open' });
    await initiate(organization, { name: 'gone' });
    await age(organization, 0);
    await initiate(organization, { name: 'gone', region: 'eu-west-1' });
    await retireOwnedSecrets(service().deps);
    const slugs = [...service().config.secrets.keys()].filter(
      (key) => key.startsWith(`${org}/`) && key.includes('external'),
    );
    expect(slugs.map((key) => key.replace(`${org}/`, '').replace(/-id-.*/, '-id')).sort()).toEqual([
      'gone-external-id',
      'open-external-id',
      'prod-aws-external-id',
    ]);
  });

  test('stay noted until config-manager has retired them', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    const { config, deps } = service();
    await completed(organization);
    config.fault = (method) => (method === 'retire' ? 'before' : undefined);
    await admin.deleteConnection({ org, connection: 'prod-aws' });
    expect(config.secrets.has(`${org}/prod-aws-external-id`)).toBe(true);
    config.fault = () => undefined;
    await retireOwnedSecrets(deps);
    expect(config.secrets.has(`${org}/prod-aws-external-id`)).toBe(false);
  });

  test('are retired when the connection uses a key again', async () => {
    const organization = await service().newOrganization();
    const { admin, slug: org } = organization;
    await completed(organization);
    await admin.applyConnection({ org, connection: awsConnection('prod-aws') });
    await retireOwnedSecrets(service().deps);
    expect(service().config.secrets.has(`${org}/prod-aws-external-id`)).toBe(false);
  });
});
