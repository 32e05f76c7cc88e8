import { join } from 'node:path';
import { type Operation, OperationState } from '@planton/api/runner/v1/operation';
import { createPlanton, type Planton } from '@planton/client';
import { enrollRunner, type RunnerCredentials } from '@planton/enrolment';
import {
  type Platform,
  type PlatformOptions,
  type RunnerProcess,
  startPlatform,
  startRunner,
} from '@planton/test-platform';
import { expect } from 'vitest';

export const ORG = 'acme';

/** A server with the organisation `acme` and the runner `good`, which is online in a process of its own. */
export interface RunnerWorld {
  readonly platform: Platform;
  /** Clients in the name of the owner. */
  readonly planton: Planton;
  readonly good: RunnerProcess;
  /** Registers a runner where there is none of the name, and enrols an instance of it. */
  enrol(runner: string): Promise<RunnerCredentials>;
  /** Has the runner `good` carry out a ping; expects that it does so at once. */
  pingGood(): Promise<void>;
  /** Asks for a ping of a runner and does not wait for it. */
  submit(runner: string, timeoutSeconds?: number): Promise<Operation>;
  operation(uid: string): Promise<Operation>;
  stop(): Promise<void>;
}

/** Starts a server, and the runner `good` beside it. */
export async function startRunnerWorld(options: PlatformOptions = {}): Promise<RunnerWorld> {
  const platform = await startPlatform(options);
  let good: RunnerProcess | undefined;
  const stop = async () => {
    await good?.end('SIGTERM');
    await platform.stop();
  };
  try {
    const planton = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
    await planton.identity.createOrganization({ slug: ORG });
    good = await startRunner(platform, {
      env: {
        PLANTON_RUNNER_TOKEN: await createToken(planton, 'good'),
        PLANTON_CONFIG_HOME: join(platform.home, 'good'),
      },
    });
    return {
      platform,
      planton,
      good,
      enrol: (runner) => enrolInstance(platform, planton, runner),
      pingGood: async () => expect(await ping(planton, 'good')).toBe(OperationState.SUCCEEDED),
      submit: async (runner, timeoutSeconds = 60) => {
        const { operation } = await planton.runners.executeOperation({
          org: ORG,
          runner,
          input: { kind: { case: 'ping', value: {} } },
          timeout: { seconds: BigInt(timeoutSeconds) },
          detach: true,
        });
        return operation ?? expect.fail('no operation was taken down');
      },
      operation: async (operationUid) => {
        const { operation } = await planton.runners.getOperation({ org: ORG, operationUid });
        return operation ?? expect.fail('the operation is not there');
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Has a runner carry out a ping, for as long as a busy machine may take. */
export async function ping(planton: Planton, runner: string): Promise<OperationState | undefined> {
  const { operation } = await planton.runners.executeOperation({
    org: ORG,
    runner,
    input: { kind: { case: 'ping', value: {} } },
    timeout: { seconds: 20n },
  });
  return operation?.state;
}

/** Registers a runner where there is none of the name, and makes a token that lets one instance of it enrol. */
export async function createToken(planton: Planton, runner: string): Promise<string> {
  await planton.runners.registerRunner({ org: ORG, name: runner });
  const { text } = await planton.runners.createRunnerToken({ org: ORG, runner });
  return text;
}

/** Registers a runner where there is none of the name, and enrols an instance of it as a runner does. */
export async function enrolInstance(
  platform: Platform,
  planton: Planton,
  runner: string,
): Promise<RunnerCredentials> {
  const token = await createToken(planton, runner);
  return enrollRunner({ server: platform.url, token, instanceName: `${runner}-test`, ephemeral: false });
}
