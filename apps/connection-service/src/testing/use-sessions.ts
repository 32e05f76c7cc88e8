import { AuthorizationScope } from '@planton/api/connect/v1/provider_connection_authorization';
import type { EngineKind } from '@planton/database';
import { afterEach, expect } from 'vitest';
import { answering, type Carry } from './fake-runner-service.ts';
import {
  authorizationOf,
  type ConnectionClient,
  defaultOf,
  type TestOrganization,
  useTestService,
} from './use-test-service.ts';
import { connectByTrust, openingSessions } from './use-trust.ts';

/** The policy of a session. */
export const SESSION_POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [{ Effect: 'Allow', Action: 's3:*', Resource: '*' }],
});

/** The service with organisations whose default connection `a` opens sessions by trust. */
export function useSessions(kind: EngineKind) {
  const service = useTestService(kind);
  afterEach(() => {
    service().config.fault = () => undefined;
    service().runners.fault = () => undefined;
    service().runners.carry = answering();
  });
  return {
    service,
    trusted: async (carry: Carry = openingSessions(), spec = {}): Promise<TestOrganization> => {
      const organization = await service().newOrganization();
      service().config.variables.set(`${organization.slug}/region`, 'eu-west-1');
      await connectByTrust(service(), organization, 'a', spec);
      await organization.admin.setDefaultProviderConnection({
        org: organization.slug,
        default: defaultOf('a'),
      });
      service().runners.carry = carry;
      return organization;
    },
    issue: async (client: ConnectionClient, org: string, asked = {}) => {
      const answer = await client.issueCredentials({ org, ...asked });
      if (answer.credentials.case !== 'aws') return expect.unreachable('there are no credentials');
      return { ...answer, key: answer.credentials.value };
    },
    recordsOf: async ({ admin, slug: org }: TestOrganization) =>
      (await admin.listAuditRecords({ org, action: 'credentials.issue', pageSize: 1_000 })).records,
    /** What was asked of the other services while `during` ran. */
    callsOf: async (during: () => Promise<unknown>) => {
      const { config, runners } = service();
      const before = [config.calls.length, runners.runs.length] as const;
      await during();
      return { config: config.calls.slice(before[0]), runs: runners.runs.slice(before[1]) };
    },
    /** Gives the connection a new revision. */
    change: ({ uid }: TestOrganization) =>
      service()
        .database.query.updateTable('connection')
        .set(({ eb }) => ({ revision: eb('revision', '+', 1) }))
        .where('organization_uid', '=', uid)
        .execute(),
    /** Limits the connection to environments. */
    narrow: ({ admin, slug: org }: TestOrganization, environments: string[]) =>
      admin.setProviderConnectionAuthorization({
        org,
        authorization: authorizationOf('a', AuthorizationScope.ENVIRONMENT, environments),
      }),
  };
}
