import { create, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import { OperationKind, type OperationSchema, OperationState } from '@planton/api/runner/v1/operation';
import {
  type Runner,
  type RunnerInstance,
  RunnerInstanceSchema,
  RunnerInstanceState,
  RunnerSchema,
  RunnerState,
  type RunnerToken,
  RunnerTokenSchema,
} from '@planton/api/runner/v1/runner';
import {
  type CreateRunnerTokenRequest,
  type EnrollRunnerRequest,
  type ExecuteOperationRequest,
  RunnerService,
  type WatchRunnersResponseSchema,
} from '@planton/api/runner/v1/runner_service';
import { createTestAuthority } from '@planton/enrolment/testing';
import { refusal } from './serve.ts';

/** What the service holds and was asked, for tests to look at and change. */
export interface HeldRunners {
  readonly runners: Map<string, Runner>;
  /** Instances by the slug of their runner. */
  readonly instances: Map<string, RunnerInstance[]>;
  /** Tokens by their text. */
  readonly tokens: Map<string, RunnerToken>;
  /** Kind and slug of what uses a runner, by its slug. */
  readonly users: Map<string, readonly string[]>;
  readonly asked: {
    readonly tokens: CreateRunnerTokenRequest[];
    readonly enrolments: (EnrollRunnerRequest & { readonly authorization: string | null })[];
    readonly operations: ExecuteOperationRequest[];
  };
  /** What the next enrolment fails with. */
  enrolmentFailure?: Error;
  /** The streams that watches are answered with, in turn. */
  readonly streams: WatchStream[];
  /** What an operation answers instead. */
  answer?: MessageInitShape<typeof OperationSchema>;
}

/** What a stream sends before it ends, and the error that it ends with, if any. */
export interface WatchStream {
  readonly events: readonly MessageInitShape<typeof WatchRunnersResponseSchema>['event'][];
  readonly end?: Error;
  /** Whether it stays open until the caller goes. */
  readonly open?: boolean;
}

const start = new Date('2026-03-01T12:00:00Z');

/** A runner service in memory that keeps its contract, with real certificates. */
export async function runnerService(): Promise<
  HeldRunners & { readonly routes: (router: ConnectRouter) => void }
> {
  const authority = await createTestAuthority();
  const held: HeldRunners = {
    runners: new Map(),
    instances: new Map(),
    tokens: new Map(),
    users: new Map(),
    streams: [],
    asked: { tokens: [], enrolments: [], operations: [] },
  };
  let made = 0;
  const uid = (kind: string) => `${kind}-${++made}`;

  const find = (name: string): Runner => {
    const found = [...held.runners.values()].find(
      ({ metadata }) => metadata?.slug === name || metadata?.name === name,
    );
    if (!found)
      throw refusal(Code.NotFound, `runner "${name}" does not exist`, { hint: 'planton runner list' });
    return found;
  };
  const slugOf = (name: string) => find(name).metadata?.slug ?? '';
  const instancesOf = (name: string) => held.instances.get(slugOf(name)) ?? [];

  const routes = (router: ConnectRouter) =>
    router.service(RunnerService, {
      registerRunner({ org, name }) {
        const slug = name.toLowerCase().replace(/[^a-z0-9]+/g, '-');
        const existing = held.runners.get(slug);
        if (existing) return { runner: existing, created: false };
        const runner = create(RunnerSchema, {
          metadata: { name, slug, org, uid: uid('runner') },
          status: { state: RunnerState.PENDING },
        });
        held.runners.set(slug, runner);
        return { runner, created: true };
      },
      getRunner: ({ runner }) => ({ runner: find(runner) }),
      listRunners: () => ({ runners: [...held.runners.values()] }),
      listRunnerInstances: ({ runner, includeRefused }) => ({
        instances: instancesOf(runner).filter(
          ({ state }) =>
            includeRefused || state === RunnerInstanceState.ONLINE || state === RunnerInstanceState.OFFLINE,
        ),
      }),
      deleteRunner({ runner }) {
        const slug = slugOf(runner);
        const users = held.users.get(slug);
        if (users)
          throw refusal(Code.FailedPrecondition, `runner "${slug}" is in use by ${users.join(', ')}`, {
            reason: 'RUNNER_IN_USE',
            hint: `planton runner usages ${slug}`,
          });
        held.runners.delete(slug);
        held.instances.delete(slug);
        return {};
      },
      revokeRunner({ runner, instanceUid }) {
        const found = find(runner);
        if (instanceUid === '' && found.status) found.status.state = RunnerState.REVOKED;
        for (const instance of instancesOf(runner))
          if (instanceUid === '' || instance.uid === instanceUid)
            instance.state = RunnerInstanceState.REVOKED;
        return { runner: found };
      },
      createRunnerToken(request) {
        held.asked.tokens.push(request);
        const text = `planton_runner_${uid('text')}`;
        const seconds = Number(request.lifetime?.seconds ?? 3600n);
        const token = create(RunnerTokenSchema, {
          uid: uid('token'),
          runner: slugOf(request.runner),
          useLimit: request.useLimit ?? 1,
          expireTime: timestampFromDate(new Date(start.getTime() + seconds * 1000)),
          createdBy: 'Ada',
        });
        held.tokens.set(text, token);
        return { token, text };
      },
      listRunnerTokens: ({ runner }) => ({
        tokens: [...held.tokens.values()].filter((token) => token.runner === slugOf(runner)),
      }),
      revokeRunnerToken({ tokenUid }) {
        const token = [...held.tokens.values()].find((candidate) => candidate.uid === tokenUid);
        if (!token) throw refusal(Code.NotFound, `token "${tokenUid}" does not exist`);
        token.revokeTime = timestampFromDate(start);
        return { token };
      },
      async enrollRunner(request, { requestHeader }) {
        held.asked.enrolments.push({ ...request, authorization: requestHeader.get('authorization') });
        const token = held.tokens.get(request.token);
        if (!token || token.revokeTime || (token.useLimit > 0 && token.useCount >= token.useLimit))
          throw refusal(Code.PermissionDenied, 'the token is used up, expired or revoked');
        if (held.enrolmentFailure) throw held.enrolmentFailure;
        token.useCount += 1;
        const instance = create(RunnerInstanceSchema, {
          uid: uid('instance'),
          name: request.instanceName,
          state: RunnerInstanceState.OFFLINE,
        });
        held.instances.set(token.runner, [...(held.instances.get(token.runner) ?? []), instance]);
        return {
          instanceUid: instance.uid,
          runnerUid: find(token.runner).metadata?.uid ?? '',
          runner: token.runner,
          org: 'acme',
          gatewayAddress: '127.0.0.1:8443',
          certificate: await authority.issueInstance(request.certificateRequest, {
            instanceUid: instance.uid,
            generation: 1,
          }),
        };
      },
      listRunnerUsages: ({ runner }) => ({
        usages: (held.users.get(slugOf(runner)) ?? []).map((user) => {
          const [kind = '', slug = ''] = user.split(' ');
          return { owner: { kind, slug }, confirmed: true };
        }),
      }),
      async *watchRunners(_, { signal }) {
        const stream = held.streams.shift();
        for (const event of stream?.events ?? []) if (event) yield { event };
        if (stream?.open) await new Promise((resolve) => signal.addEventListener('abort', resolve));
        if (stream?.end) throw stream.end;
      },
      executeOperation(request) {
        held.asked.operations.push(request);
        const runner = slugOf(request.runner);
        const { answer } = held;
        return {
          operation: answer ?? {
            uid: uid('operation'),
            runner,
            kind: OperationKind.PING,
            state: OperationState.SUCCEEDED,
            instanceUid: 'instance-7',
            output: {
              kind: { case: 'ping', value: { version: '1.2.3', runnerTime: timestampFromDate(start) } },
            },
          },
        };
      },
    });
  return Object.assign(held, { routes });
}
