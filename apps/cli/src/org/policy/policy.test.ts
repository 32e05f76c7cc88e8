import { create } from '@bufbuild/protobuf';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { OrganizationPolicySchema } from '@planton/api/connect/v1/organization_policy';
import { expect, test } from 'vitest';
import { cliAt } from '../../testing/run-cli.ts';
import { serve } from '../../testing/serve.ts';

async function start() {
  let policy = create(OrganizationPolicySchema, {
    requireAuthorization: true,
    maxSessionDuration: { seconds: 3600n },
    allowedRegions: ['eu-west-1'],
  });
  let writes = 0;
  const { url } = await serve((router) =>
    router.service(ConnectionService, {
      getOrganizationPolicy: () => ({ policy }),
      setOrganizationPolicy(request) {
        writes += 1;
        policy = request.policy ?? policy;
        return { policy };
      },
    }),
  );
  const { cli } = cliAt(url);
  return {
    policy: () => policy,
    writes: () => writes,
    cli: (...args: string[]) => cli(['org', 'policy', ...args], { env: { PLANTON_ORG: 'acme' } }),
  };
}

test('get shows the demands', async () => {
  const { cli } = await start();
  expect((await cli('get')).stdout).toMatch(/required +1h +eu-west-1 +none/);
  expect(JSON.parse((await cli('get', '-o', 'json')).stdout)).toMatchObject({
    require_authorization: true,
    allowed_regions: ['eu-west-1'],
  });
});

test('set changes what is given and leaves the rest', async () => {
  const { cli, policy, writes } = await start();
  expect((await cli('set', '--forbid-inline-keys-in', 'production, staging')).code).toBe(0);
  expect(policy()).toMatchObject({
    requireAuthorization: true,
    maxSessionDuration: { seconds: 3600n },
    allowedRegions: ['eu-west-1'],
    inlineKeysForbiddenIn: ['production', 'staging'],
  });
  const opened = ['--require-authorization', 'false', '--max-session-duration', '', '--allowed-regions', ''];
  expect((await cli('set', ...opened)).code).toBe(0);
  expect(policy()).toMatchObject({ requireAuthorization: false, allowedRegions: [] });
  expect(policy().maxSessionDuration).toBeUndefined();
  expect((await cli('set', '--max-session-duration', '30m')).stdout).toContain('1800s');
  expect(writes()).toBe(3);
});

test.each([[[]], [['--require-authorization', 'maybe']], [['--max-session-duration', 'long']]])(
  'set %j is a mistake in usage and changes nothing',
  async (args) => {
    const { cli, writes } = await start();
    expect((await cli('set', ...args)).code).toBe(2);
    expect(writes()).toBe(0);
  },
);
