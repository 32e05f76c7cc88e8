import { randomUUID } from 'node:crypto';
import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { ConnectRouter } from '@connectrpc/connect';
import { RegistrationPhase } from '@planton/api/common/v1/reference';
import {
  AwsAccessVerdict,
  type OperationErrorKind,
  type OperationErrorSchema,
  OperationState,
  OperationStepState,
  type VerifyAwsAccessOutputSchema,
} from '@planton/api/runner/v1/operation';
import {
  type RunConnectionOperationRequest,
  type RunConnectionOperationResponseSchema,
  RunnerService,
  type SetRunnerReferencesRequest,
} from '@planton/api/runner/v1/runner_service';
import { denied, missing, serviceCallerOf, state } from '@planton/rpc';
import { createFakeOwners, type FakeOwners, type Fault, faulty, never } from './fake-owners.ts';

export type RunnerMethod = 'check' | 'register' | 'commit' | 'list' | 'run';

export type RunEvent = MessageInitShape<typeof RunConnectionOperationResponseSchema>;

/** What a runner does with an operation, as the gateway tells of it. */
export type Carry = (
  request: RunConnectionOperationRequest,
  signal: AbortSignal,
) => AsyncIterable<RunEvent> | Iterable<RunEvent>;

/** One call for an operation, and who made it. */
export interface RunCall {
  readonly request: RunConnectionOperationRequest;
  readonly service: string;
  /** Uid of the actor; undefined where the service calls in its own name. */
  readonly actor: string | undefined;
}

/** The runner gateway's side of the contract in memory, with faults that a test chooses and a runner that does as it is told. */
export interface FakeRunnerService extends Pick<FakeOwners, 'owners'> {
  /** `ORG/SLUG` to the runner. */
  readonly runners: Map<string, { readonly uid: string; revoked: boolean }>;
  readonly calls: RunnerMethod[];
  readonly runs: RunCall[];
  fault: (method: RunnerMethod) => Fault;
  carry: Carry;
  /** Awaited before a registration takes effect. */
  beforeRegister: () => Promise<void>;
  /** @returns its uid */
  addRunner(org: string, slug: string): string;
  routes(router: ConnectRouter): void;
}

export const ACCOUNT = '123456789012';
export const ARN = `arn:aws:iam::${ACCOUNT}:user/planton`;

export function createFakeRunnerService(): FakeRunnerService {
  const book = createFakeOwners();
  const call = <T>(method: RunnerMethod, effect: () => T): T => {
    fake.calls.push(method);
    return faulty(fake.fault(method), effect);
  };
  const fake: FakeRunnerService = {
    runners: new Map(),
    owners: book.owners,
    calls: [],
    runs: [],
    fault: () => undefined,
    carry: answering(),
    beforeRegister: async () => {},
    addRunner: (org, slug) => {
      const uid = randomUUID();
      fake.runners.set(`${org}/${slug}`, { uid, revoked: false });
      return uid;
    },
    routes: (router) => {
      router.service(RunnerService, {
        setRunnerReferences: async (request, context) => {
          const { actor } = serviceCallerOf(context);
          if (request.phase === RegistrationPhase.COMMIT) {
            return call('commit', () => {
              book.commit(request, request.runners);
              return {};
            });
          }
          await fake.beforeRegister();
          return call(request.validateOnly ? 'check' : 'register', () => {
            if (!actor?.membership) throw denied('ACTOR_MISSING', 'only in the name of someone');
            return { runnerUids: registerAll(fake, book, request) };
          });
        },
        listUnconfirmedRunnerOwners: ({ before }) =>
          call('list', () => ({ owners: book.unconfirmed(timestampDate(before ?? never())) })),
        runConnectionOperation: async function* (request, context) {
          const { service, actor } = serviceCallerOf(context);
          fake.runs.push({ request, service, actor: actor?.subject.uid });
          call('run', () => {});
          if (actor && actor.membership?.organization.uid !== request.organizationUid) {
            throw denied('ORGANIZATION_MISMATCH', 'organization_uid is not the organisation of the actor');
          }
          yield* fake.carry(request, context.signal);
        },
      });
    },
  };
  return fake;
}

function registerAll(
  fake: FakeRunnerService,
  book: FakeOwners,
  request: SetRunnerReferencesRequest,
): string[] {
  const known = book.check(request);
  const found = request.runners.map((slug) => fake.runners.get(`${request.org}/${slug}`));
  const violations = request.runners.flatMap((slug, index) =>
    found[index] ? [] : { field: `runners[${index}]`, message: `runner "${slug}" does not exist` },
  );
  if (violations.length > 0) {
    throw missing('RUNNERS_NOT_FOUND', violations.map(({ message }) => message).join('; '), {
      violations,
      hint: `planton runner register --name ${request.runners[0]}`,
    });
  }
  const runners = found.map((runner) => runner ?? never());
  const revoked = runners.find((runner) => runner.revoked && !known?.references.has(runner.uid));
  if (revoked) throw state('RUNNER_REVOKED', `runner "${request.runners[0]}" was revoked`);
  const uids = runners.map(({ uid }) => uid);
  if (!request.validateOnly) book.register(request, uids);
  return uids;
}

export function runnerStep(name: string, state: OperationStepState, detail = ''): RunEvent {
  return { event: { case: 'step', value: { name, state, detail } } };
}

/** The end of an operation that was carried out. */
export function succeeded(output: MessageInitShape<typeof VerifyAwsAccessOutputSchema>): RunEvent {
  return {
    event: {
      case: 'end',
      value: {
        operation: {
          state: OperationState.SUCCEEDED,
          attempt: 1,
          output: { kind: { case: 'verifyAwsAccess', value: output } },
        },
      },
    },
  };
}

/** The end of an operation that was not; one that waited to its end was never delivered. */
export function failed(
  kind: OperationErrorKind,
  error: MessageInitShape<typeof OperationErrorSchema>,
  attempt = 1,
): RunEvent {
  const operation = { state: OperationState.FAILED, attempt, error: { kind, ...error } };
  return { event: { case: 'end', value: { operation } } };
}

/** A runner that asks AWS, and is answered. */
export function answering(output: MessageInitShape<typeof VerifyAwsAccessOutputSchema> = {}): Carry {
  return () => [
    { event: { case: 'operation', value: { state: OperationState.RUNNING, attempt: 1 } } },
    runnerStep('asking sts who we are', OperationStepState.RUNNING),
    runnerStep('asking sts who we are', OperationStepState.PASSED, ARN),
    succeeded({ verdict: AwsAccessVerdict.VERIFIED, accountId: ACCOUNT, arn: ARN, ...output }),
  ];
}
