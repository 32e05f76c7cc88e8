import { setTimeout as sleep } from 'node:timers/promises';
import { clone, create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import {
  type AwsTrustSetup,
  AwsTrustSetupSchema,
  AwsTrustSetupState,
  AwsTrustSetupWait,
} from '@planton/api/connect/v1/aws_trust_setup';
import {
  ConnectionService,
  type InitiateAwsTrustSetupRequest,
  type InitiateAwsTrustSetupResponse,
} from '@planton/api/connect/v1/connection_service';
import { type VerificationCause, VerificationCauseSchema } from '@planton/api/connect/v1/connection_status';

/** What is new of a set-up. */
export type Change = Partial<Omit<AwsTrustSetup, '$typeName' | '$unknown'>>;
type Answer = Partial<Omit<InitiateAwsTrustSetupResponse, '$typeName' | '$unknown' | 'setup'>>;

/** What a stream tells of the set-up, and how it ends. */
export interface SetupStream {
  /** What has to be so before it tells anything. */
  readonly when?: () => boolean;
  /** What is new each time. */
  readonly changes: readonly Change[];
  readonly end?: Error;
  /** Whether it stays open until the caller goes. */
  readonly open?: boolean;
}

/** What the service was asked and answers, for tests to look at and change. */
export interface HeldSetups {
  readonly begun: InitiateAwsTrustSetupRequest[];
  readonly watched: { readonly org: string; readonly setupUid: string }[];
  /** The streams that watches are answered with, in turn; the last one for all further ones. */
  readonly streams: SetupStream[];
  /** What the next answers, and the set-up in them, hold instead. */
  answer: Answer;
  setup: Change;
  /** What a set-up that is begun fails with. */
  refusal?: Error;
}

/** The link that stacks are made by; what has to stay secret in it is `SETUP-TOKEN`. */
export const quickCreateUrl =
  'https://console.aws.amazon.com/cloudformation/home?region=us-west-2#/stacks/quickcreate?templateURL=https%3A%2F%2Fs3.example%2Ft.yaml&stackName=planton-connect-prod-aws-1a2b3c4d&param_CallbackToken=SETUP-TOKEN';

export const stackId =
  'arn:aws:cloudformation:us-west-2:123456789012:stack/planton-connect-prod-aws-1a2b3c4d/0f1e2d3c';

/** A set-up that was just begun. */
export const pending = create(AwsTrustSetupSchema, {
  uid: 'setup-1',
  connection: 'prod-aws',
  connectionUid: 'connection-1',
  accountId: '123456789012',
  region: 'us-west-2',
  state: AwsTrustSetupState.PENDING,
  wait: AwsTrustSetupWait.CALLBACK,
  message: 'the role is not there yet',
  roleName: 'PlantonConnect-prod-aws-1a2b3c4d',
  roleArn: 'arn:aws:iam::123456789012:role/PlantonConnect-prod-aws-1a2b3c4d',
  externalIdSecret: 'planton-connect-prod-aws',
  stackName: 'planton-connect-prod-aws-1a2b3c4d',
  callsBack: true,
  createTime: timestampFromDate(new Date('2026-03-01T12:00:00Z')),
  expireTime: timestampFromDate(new Date('2026-03-02T12:00:00Z')),
});

export const verifying = {
  state: AwsTrustSetupState.VERIFYING,
  wait: AwsTrustSetupWait.PROPAGATION,
  message: 'the stack has made the role',
} satisfies Change;

export const completed = {
  state: AwsTrustSetupState.COMPLETED,
  wait: AwsTrustSetupWait.UNSPECIFIED,
  message: 'the role was verified',
  stackId,
} satisfies Change;

export const failed = {
  state: AwsTrustSetupState.FAILED,
  wait: AwsTrustSetupWait.UNSPECIFIED,
  message: 'AccessDenied',
  stackId,
  causes: [
    cause('TRUST_POLICY', 'the role does not trust us', 'look at its trust policy'),
    cause('EXTERNAL_ID', 'another external ID is asked for', ''),
  ],
} satisfies Change;

/** A possible cause. */
export function cause(code: string, message: string, hint: string): VerificationCause {
  return create(VerificationCauseSchema, { code, message, hint });
}

/** A connection service that sets up trust as it is told to. */
export function trustSetupService(
  ...streams: SetupStream[]
): HeldSetups & { readonly routes: (router: ConnectRouter) => void } {
  const held: HeldSetups = { begun: [], watched: [], streams, answer: {}, setup: {} };
  const setup = clone(AwsTrustSetupSchema, pending);
  const routes = (router: ConnectRouter) =>
    router.service(ConnectionService, {
      initiateAwsTrustSetup(request) {
        held.begun.push(request);
        if (held.refusal) throw held.refusal;
        const { capabilities, region, reconnect, withoutStack, permissionsBoundaryArn } = request;
        const stack = withoutStack ? { stackName: '', wait: AwsTrustSetupWait.ROLE, callsBack: false } : {};
        Object.assign(setup, { capabilities, region, reconnect, ...stack, ...held.setup });
        return {
          quickCreateUrl: withoutStack ? '' : quickCreateUrl,
          templateUrl: 'https://s3.example/t.yaml',
          parameters: { RoleName: pending.roleName, ExternalId: 'EXTERNAL-ID', EnableEks: 'true' },
          role: {
            name: pending.roleName,
            arn: pending.roleArn,
            principalArn: 'arn:aws:iam::999999999999:role/platform',
            externalId: 'EXTERNAL-ID',
            trustPolicy: '{"Version":"2012-10-17","Statement":[]}',
            policies: [
              { name: 'eks', document: '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}]}' },
            ],
            maxSessionDuration: 3600,
            permissionsBoundaryArn,
          },
          ...held.answer,
          setup,
        };
      },
      async *watchAwsTrustSetup({ org, setupUid }, { signal }) {
        held.watched.push({ org, setupUid });
        const stream = streams.length > 1 ? streams.shift() : streams[0];
        while (stream?.when && !stream.when()) await sleep(5);
        for (const change of stream?.changes ?? []) {
          Object.assign(setup, change);
          yield { setup };
        }
        if (stream?.open) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        if (stream?.end) throw stream.end;
      },
    });
  return Object.assign(held, { routes });
}
