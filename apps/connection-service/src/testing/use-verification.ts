import { AuthMode } from '@planton/api/connect/v1/aws_provider_connection';
import type { EngineKind } from '@planton/database';
import { afterEach } from 'vitest';
import { answering } from './fake-runner-service.ts';
import { awsConnection, awsOf, type TestOrganization, useTestService } from './use-test-service.ts';

/** The steps that the service takes itself, in a manifest that changes nothing of the tutorial's. */
export const READING = 'reading the keys from their secrets';
export const PLATFORM = 'waiting for the platform runner';

export const runnerMode = { authMode: AuthMode.RUNNER, runner: 'my-runner' };

/** The service with one connection, `a`, and a runner, `my-runner`, that verifies unless a test tells it otherwise. */
export function useVerification(kind: EngineKind) {
  const service = useTestService(kind);
  afterEach(() => {
    const { config, runners } = service();
    config.fault = () => undefined;
    runners.fault = () => undefined;
    runners.carry = answering();
  });
  return {
    service,
    connected: async (spec = {}): Promise<TestOrganization> => {
      const organization = await service().newOrganization();
      const { admin, slug: org } = organization;
      service().runners.addRunner(org, 'my-runner');
      service().config.variables.set(`${org}/region`, 'eu-west-1');
      await admin.applyConnection({ org, connection: awsConnection('a', spec) });
      return organization;
    },
    statusOf: async ({ admin, slug: org }: TestOrganization) =>
      awsOf((await admin.getConnection({ org, connection: 'a' })).connection).status?.verification,
    auditOf: async ({ admin, slug: org }: TestOrganization) =>
      (await admin.listAuditRecords({ org, action: 'connection.verify' })).records,
    /** The last operation that was asked for. */
    lastRun: () => {
      const run = service().runners.runs.at(-1);
      if (!run) throw new Error('no operation was asked for');
      return run;
    },
  };
}
