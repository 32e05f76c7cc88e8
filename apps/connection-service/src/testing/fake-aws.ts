import type { MessageInitShape } from '@bufbuild/protobuf';
import { Code, ConnectError } from '@connectrpc/connect';
import {
  AwsAccessCauseCode,
  AwsAccessVerdict,
  AwsExternalIdFinding,
  AwsTrustProbeKind,
  AwsTrustProbeResult,
  OperationErrorKind,
  type OperationOutputSchema,
  OperationState,
  type VerifyAwsTrustInput,
  type VerifyAwsTrustOutputSchema,
} from '@planton/api/runner/v1/operation';
import type { Carry, RunEvent } from './fake-runner-service.ts';

/** A role as the platform runner finds it. */
export interface FakeRole {
  /** The external ID that it asks for; undefined for one that asks for none. */
  readonly externalId: string | undefined;
  /** Absent for a role that no stack made. */
  readonly stack?: { readonly id: string; readonly name: string; status: string };
}

/** What the platform runner sees of AWS, as tests arrange it. */
export interface FakeAws {
  /** By ARN. */
  readonly roles: Map<string, FakeRole>;
  /** Who the platform runner is; empty for nobody. */
  identity: string;
  /** Each verification that was asked for. */
  readonly asked: VerifyAwsTrustInput[];
  /** Makes every operation fail: throttled by AWS, without a runner, or with a gateway that does not answer. */
  fault: 'throttled' | 'offline' | 'broken' | undefined;
  /** Awaited before each answer. */
  before: () => Promise<void>;
  readonly carry: Carry;
}

export function createFakeAws(identity: string): FakeAws {
  const fake: FakeAws = {
    roles: new Map(),
    identity,
    asked: [],
    fault: undefined,
    before: async () => {},
    carry: async function* ({ input }) {
      await fake.before();
      if (fake.fault === 'broken') throw new ConnectError('the gateway went away', Code.Unavailable);
      if (fake.fault === 'offline')
        return yield failed(OperationErrorKind.OFFLINE, 'no instance was connected in time');
      if (fake.fault === 'throttled')
        return yield failed(OperationErrorKind.TRANSIENT, 'AWS asks to slow down');
      if (input?.kind.case === 'describeAwsIdentity') {
        const [, , , , accountId = ''] = fake.identity.split(':');
        return yield succeeded({
          case: 'describeAwsIdentity',
          value: {
            accountId,
            arn: fake.identity,
            observation: accountId === '' ? 'no credentials were found' : '',
          },
        });
      }
      if (input?.kind.case !== 'verifyAwsTrust') throw new Error('the fake knows no such operation');
      fake.asked.push(input.kind.value);
      yield succeeded({ case: 'verifyAwsTrust', value: verify(fake, input.kind.value) });
    },
  };
  return fake;
}

function verify(
  { roles }: FakeAws,
  { role, accountId, probe, stack: wanted }: VerifyAwsTrustInput,
): MessageInitShape<typeof VerifyAwsTrustOutputSchema> {
  const found = roles.get(role?.roleArn ?? '');
  const admits = found && (found.externalId === undefined || found.externalId === role?.externalId);
  if (!admits) {
    return {
      verdict: AwsAccessVerdict.REFUSED,
      observation: 'AccessDenied',
      causes: [
        { code: AwsAccessCauseCode.TRUST_POLICY, message: 'The role does not exist.', hint: 'Look in IAM.' },
      ],
    };
  }
  const { stack } = found;
  const described = stack && [stack.id, stack.name].includes(wanted);
  const { NOT_ENFORCED, ENFORCED, UNSPECIFIED } = AwsExternalIdFinding;
  const open = found.externalId === undefined;
  return {
    verdict: AwsAccessVerdict.VERIFIED,
    accountId,
    arn: `arn:aws:sts::${accountId}:assumed-role/${role?.roleArn.split('/').at(-1)}/${role?.sessionName}`,
    externalId: !probe ? UNSPECIFIED : open ? NOT_ENFORCED : ENFORCED,
    probes: probe ? probes(open ? AwsTrustProbeResult.ACCEPTED : AwsTrustProbeResult.DENIED) : [],
    takesSessionTags: true,
    ...(described ? { stack: { id: stack.id, status: stack.status } } : { stackObservation: 'AccessDenied' }),
  };
}

function probes(result: AwsTrustProbeResult) {
  const { NONE, WRONG, TRUNCATED, EXTENDED, CASE_FLIPPED } = AwsTrustProbeKind;
  return [NONE, WRONG, TRUNCATED, EXTENDED, CASE_FLIPPED].map((kind) => ({ kind, result }));
}

function succeeded(kind: MessageInitShape<typeof OperationOutputSchema>['kind']): RunEvent {
  return {
    event: {
      case: 'end',
      value: { operation: { state: OperationState.SUCCEEDED, attempt: 1, output: { kind } } },
    },
  } as RunEvent;
}

function failed(kind: OperationErrorKind, message: string): RunEvent {
  const operation = { state: OperationState.FAILED, attempt: 0, error: { kind, reason: 'TEST', message } };
  return { event: { case: 'end', value: { operation } } };
}
