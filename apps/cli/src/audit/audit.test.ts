import { AuditOutcome } from '@planton/api/common/v1/audit';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { expect, test } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';
import { serve } from '../testing/serve.ts';

const record = (action: string, seconds: bigint, nanos = 0) => ({
  action,
  recordTime: { seconds, nanos },
  outcome: AuditOutcome.SUCCEEDED,
  actorName: 'Ada',
  viaService: seconds === 30n ? 'connection-service' : '',
});

test('audit list merges the trails of every service by time, and filters at the server', async () => {
  const asked: { since: bigint | undefined; action: string; size: number }[] = [];
  const ofInstance: boolean[] = [];
  const { url } = await serve((router) => {
    router.service(ConfigManager, {
      listAuditRecords: ({ since, action, pageSize, pageToken, instance }) => {
        ofInstance.push(instance);
        asked.push({ since: since?.seconds, action, size: pageSize });
        return pageToken === ''
          ? { records: [record('secret.set', 40n), record('secret.access', 30n)], nextPageToken: 'next' }
          : { records: [record('secret.delete', 10n)] };
      },
    });
    router.service(ConnectionService, {
      listAuditRecords: () => ({
        records: [record('credentials.issue', 40n, 5), record('connection.apply', 20n)],
      }),
    });
    router.service(Identity, { listAuditRecords: () => ({ records: [record('member.set', 5n)] }) });
    router.service(RunnerService, {
      listAuditRecords: () => ({ records: [record('runner.revoke', 50n), record('runner.register', 15n)] }),
    });
  });
  const { cli } = cliAt(url);
  const list = (...args: string[]) =>
    cli(['audit', 'list', ...args, '-o', 'json'], { env: { PLANTON_ORG: 'acme' } });
  const actions = ({ stdout }: { stdout: string }) =>
    JSON.parse(stdout).map(({ action }: { action: string }) => action);

  expect(actions(await list())).toEqual([
    'runner.revoke',
    'credentials.issue',
    'secret.set',
    'secret.access',
    'connection.apply',
    'runner.register',
    'secret.delete',
    'member.set',
  ]);
  expect(actions(await list('--limit', '2'))).toEqual(['runner.revoke', 'credentials.issue']);
  await list('--since', '24h', '--action', 'secret.set');
  await list('--since', '2026-01-31T00:00:00Z');
  expect(asked.at(-3)).toEqual({
    since: BigInt(Date.parse('2026-02-28T12:00:00Z') / 1000),
    action: 'secret.set',
    size: 100,
  });
  expect(asked.at(-1)?.since).toBe(BigInt(Date.parse('2026-01-31T00:00:00Z') / 1000));
  expect((await list('--since', '2026-13-45')).code).toBe(2);
  expect(ofInstance).not.toContain(true);
  await list('--instance', '--outcome', 'denied');
  expect(ofInstance.at(-1)).toBe(true);
  expect((await cli(['audit', 'list'], { env: { PLANTON_ORG: 'acme' } })).stdout).toContain(
    'Ada via connection-service',
  );
});
