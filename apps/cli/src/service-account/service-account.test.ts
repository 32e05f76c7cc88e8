import { type CreateServiceAccountRequest, Identity } from '@planton/api/identity/v1/identity_service';
import { Role } from '@planton/api/identity/v1/organization';
import { expect, test } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';
import { serve } from '../testing/serve.ts';

async function start() {
  const created: CreateServiceAccountRequest[] = [];
  const deleted: string[] = [];
  const { url } = await serve((router) =>
    router.service(Identity, {
      createServiceAccount(request) {
        created.push(request);
        const { slug, role, environments } = request;
        return { serviceAccount: { uid: 'uid-1', slug, role, environments, limited: true } };
      },
      listServiceAccounts: () => ({
        serviceAccounts: [{ uid: 'uid-1', slug: 'ci', role: Role.DEPLOYER }],
      }),
      deleteServiceAccount({ slug }) {
        deleted.push(slug);
        return {};
      },
    }),
  );
  const { cli } = cliAt(url);
  return {
    created,
    deleted,
    cli: (...args: string[]) => cli(['service-account', ...args], { env: { PLANTON_ORG: 'acme' } }),
  };
}

test('create needs a role, and says how to make a key', async () => {
  const { cli, created } = await start();
  const made = await cli('create', 'ci', '--role', 'deployer', '--environments', 'production');
  expect(made.stdout).toMatch(/ci +deployer +production/);
  expect(made.stderr).toContain('planton api-key create --service-account ci --name NAME');
  expect(created).toMatchObject([
    { org: 'acme', slug: 'ci', role: Role.DEPLOYER, environments: ['production'] },
  ]);
  expect((await cli('create', 'ci')).code).toBe(2);
  expect(created).toHaveLength(1);
});

test('list and delete', async () => {
  const { cli, deleted } = await start();
  expect((await cli('list')).stdout).toMatch(/ci +deployer +all/);
  expect((await cli('delete', 'ci')).stderr).toBe('service account ci deleted, with its keys\n');
  expect(deleted).toEqual(['ci']);
});
