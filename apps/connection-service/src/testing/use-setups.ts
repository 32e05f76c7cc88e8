import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  InitiateAwsTrustSetupRequestSchema,
  InitiateAwsTrustSetupResponse,
} from '@planton/api/connect/v1/connection_service';
import type { EngineKind } from '@planton/database';
import { afterEach, beforeEach } from 'vitest';
import { advanceSetup } from '../trust-setups/advance-setup.ts';
import { parseCallback } from '../trust-setups/claim.ts';
import { takeCallback } from '../trust-setups/take-callback.ts';
import { claimDueSetups } from '../trust-setups/trust-setup-store.ts';
import { createFakeAws, type FakeAws } from './fake-aws.ts';
import { answering } from './fake-runner-service.ts';
import { awsOf, type TestOrganization, useTestService } from './use-test-service.ts';

export const ACCOUNT = '123456789012';
const PRINCIPAL_SESSION = 'arn:aws:sts::111122223333:assumed-role/planton/i-1';

/** What the function of a stack says, with the parts that a test changes. */
export type Words = Partial<
  Record<'setupId' | 'token' | 'accountId' | 'roleArn' | 'stackId' | 'externalId', string>
>;

/** The service with set-ups that a test carries on step by step, and an AWS that it arranges. */
export function useSetups(kind: EngineKind) {
  const service = useTestService(kind);
  let aws: FakeAws;
  beforeEach(() => {
    aws = createFakeAws(PRINCIPAL_SESSION);
    service().runners.carry = aws.carry;
  });
  afterEach(() => {
    service().runners.carry = answering();
  });

  const initiate = (
    { admin, slug: org }: Pick<TestOrganization, 'admin' | 'slug'>,
    request: MessageInitShape<typeof InitiateAwsTrustSetupRequestSchema> = {},
  ) =>
    admin.initiateAwsTrustSetup({
      org,
      name: 'prod-aws',
      accountId: ACCOUNT,
      region: 'us-west-2',
      ...request,
    });

  const setups = {
    service,
    aws: () => aws,
    initiate,
    /** Makes the role that the link describes, as the stack does. */
    createStack: ({ setup, role, parameters }: InitiateAwsTrustSetupResponse, status = 'CREATE_COMPLETE') => {
      const id = `arn:aws:cloudformation:us-west-2:${ACCOUNT}:stack/${setup?.stackName}/1`;
      const stack = { id, name: setup?.stackName ?? '', status };
      aws.roles.set(setup?.roleArn ?? '', { externalId: parameters.ExternalId ?? role?.externalId, stack });
      return stack;
    },
    /** Has the function of the stack call back. */
    callBack: ({ setup, quickCreateUrl, role }: InitiateAwsTrustSetupResponse, words: Words = {}) => {
      const callback = parseCallback(
        Buffer.from(
          JSON.stringify({
            setupId: setup?.uid,
            token: /param_CallbackToken=([^&]+)/.exec(quickCreateUrl)?.[1],
            accountId: ACCOUNT,
            roleArn: setup?.roleArn,
            stackId: `arn:aws:cloudformation:us-west-2:${ACCOUNT}:stack/${setup?.stackName}/1`,
            externalId: role?.externalId,
            templateVersion: '1',
            ...words,
          }),
        ),
      );
      if (!callback) throw new Error('the callback is malformed');
      return takeCallback(service().deps, callback, '192.0.2.1');
    },
    /** Makes every open set-up of the organisation due, and carries one attempt out. */
    advance: async ({ uid }: TestOrganization, signal = new AbortController().signal) => {
      const { deps, database } = service();
      const { sql } = await import('kysely');
      await sql`update connect.trust_setup set next_attempt_time = now() where organization_uid = ${uid} and end_time is null`.execute(
        database.query,
      );
      const due = (await claimDueSetups(database.query, 50, 60)).filter(
        ({ organization_uid }) => organization_uid === uid,
      );
      const read = async ({ organization_uid, external_id_uid, connection_uid }: (typeof due)[number]) => {
        const { value } = await deps.configManager.accessOwnedSecret({
          organizationUid: organization_uid,
          secretUid: external_id_uid,
          ownerUid: connection_uid,
          purpose: 'test',
        });
        return value;
      };
      for (const setup of due) await advanceSetup(deps, setup, read, signal);
      return due.length;
    },
    /** Puts the moments that a set-up remembers back in time. */
    age: async ({ uid }: TestOrganization, seconds: number) => {
      const { sql } = await import('kysely');
      await sql`update connect.trust_setup set claim_time = claim_time - make_interval(secs => ${seconds}),
        worked_time = worked_time - make_interval(secs => ${seconds}), refused_time = refused_time - make_interval(secs => ${seconds}),
        insecure_time = insecure_time - make_interval(secs => ${seconds}), expire_time = expire_time - make_interval(secs => ${seconds}),
        create_time = create_time - make_interval(secs => ${seconds})
        where organization_uid = ${uid} and end_time is null`.execute(service().database.query);
    },
    read: async ({ admin, slug: org }: TestOrganization, setupUid: string | undefined) =>
      (await admin.getAwsTrustSetup({ org, setupUid: setupUid ?? '' })).setup,
    auditOf: async ({ admin, slug: org }: TestOrganization) =>
      (await admin.listAuditRecords({ org })).records.map(({ action, outcome, details }) => ({
        action,
        outcome,
        details,
      })),
  };
  return {
    ...setups,
    /** Begins a set-up and carries it to its end. */
    completed: async (organization: TestOrganization) => {
      const begun = await initiate(organization);
      setups.createStack(begun);
      await setups.advance(organization);
      return begun;
    },
    connectionOf: async ({ admin, slug: org }: TestOrganization, connection = 'prod-aws') =>
      awsOf((await admin.getConnection({ org, connection })).connection),
  };
}
