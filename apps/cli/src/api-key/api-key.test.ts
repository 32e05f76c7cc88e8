import { type CreateApiKeyRequest, Identity } from '@planton/api/identity/v1/identity_service';
import { Role } from '@planton/api/identity/v1/organization';
import { expect, test } from 'vitest';
import { parseDuration } from '../program/parse-duration.ts';
import { cliAt } from '../testing/run-cli.ts';
import { serve } from '../testing/serve.ts';

async function start() {
  const created: CreateApiKeyRequest[] = [];
  const revoked: string[] = [];
  const { url } = await serve((router) =>
    router.service(Identity, {
      createApiKey(request) {
        created.push(request);
        return {
          key: 'planton_the-key',
          apiKey: { uid: '1', name: request.name, subjectName: request.name, role: request.role },
        };
      },
      listApiKeys: () => ({
        apiKeys: [{ uid: '1', name: 'ci', prefix: 'planton_ab', lastCharacters: 'yz', role: Role.DEPLOYER }],
      }),
      revokeApiKey({ apiKey }) {
        revoked.push(apiKey);
        return {};
      },
    }),
  );
  const { cli } = cliAt(url);
  return {
    created,
    revoked,
    cli: (args: string[]) => cli(['api-key', ...args], { env: { PLANTON_ORG: 'acme' } }),
  };
}

test('the key is the only data that create prints', async () => {
  const { cli, created } = await start();
  const made = await cli([
    'create',
    '--name',
    'ci',
    '--role',
    'deployer',
    '--expires',
    '90d',
    '--environments',
    'production',
  ]);
  expect(made.stdout).toBe('planton_the-key\n');
  expect(made.stderr).toContain('it cannot be shown again');
  expect(made.stderr).not.toContain('planton_the-key');
  expect(created).toMatchObject([
    {
      org: 'acme',
      name: 'ci',
      role: Role.DEPLOYER,
      lifetime: { seconds: 7_776_000n },
      environments: ['production'],
    },
  ]);
  expect(JSON.parse((await cli(['create', '--name', 'a', '-o', 'json'])).stdout)).toMatchObject({
    name: 'a',
    key: 'planton_the-key',
  });
  expect(created[1]?.lifetime).toBeUndefined();
});

test('a key of a service account that exists is given neither a role nor environments', async () => {
  const { cli, created } = await start();
  const made = await cli(['create', '--name', 'blue', '--service-account', 'ci']);
  expect(made).toMatchObject({ code: 0, stdout: 'planton_the-key\n' });
  expect(made.stderr).toContain('of the service account');
  expect(created).toMatchObject([{ name: 'blue', serviceAccount: 'ci', role: Role.UNSPECIFIED }]);
  const both = ['create', '--name', 'blue', '--service-account', 'ci', '--role', 'viewer'];
  expect((await cli(both)).code).toBe(2);
  expect(created).toHaveLength(1);
});

test('list shows how to recognise a key, revoke ends it', async () => {
  const { cli, revoked } = await start();
  expect((await cli(['list'])).stdout).toContain('planton_ab…yz');
  expect((await cli(['revoke', 'ci'])).stderr).toBe('API key ci revoked\n');
  expect(revoked).toEqual(['ci']);
});

test.each([
  ['90d', 7_776_000n],
  ['12h', 43_200n],
  ['1h30m', 5400n],
  ['2w', 1_209_600n],
])('%s is %i seconds', (text, seconds) => {
  expect(parseDuration(text)).toBe(seconds);
});

test.each(['', '90', 'd', '-1d', '1.5h', '1d ', '9999999999s'])('%j is no duration', (text) => {
  expect(() => parseDuration(text)).toThrow('no duration');
});
