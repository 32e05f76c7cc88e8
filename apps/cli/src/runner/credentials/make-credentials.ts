import { hostname } from 'node:os';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { anonymousTransport, type Session } from '../../session/open-session.ts';
import { withEnrolment } from './with-enrolment.ts';

/** A runner that is registered, and whom to speak to about it. */
export interface Registration extends Session {
  readonly org: string;
  /** Slug of the runner. */
  readonly runner: string;
}

/** Seconds that the token lives, which is used at once. */
const tokenLifetime = 600n;

/**
 * Enrols this machine as an instance of the runner and writes its credentials. The private key is made here. What was begun at the
 * server is undone where it comes to nothing, as far as the server can be reached.
 */
export async function makeCredentials(registration: Registration, file: string): Promise<void> {
  const { server, org, runner, client } = registration;
  await withEnrolment(({ checkWritable }) => checkWritable(file));
  const service = client(RunnerService);
  const { text, token } = await service.createRunnerToken({
    org,
    runner,
    useLimit: 1,
    lifetime: { seconds: tokenLifetime, nanos: 0 },
  });
  const credentials = await undoOnFailure(
    () =>
      withEnrolment(({ enrollRunner }) =>
        enrollRunner({
          server,
          token: text,
          instanceName: hostname().slice(0, 100) || runner,
          ephemeral: false,
          transport: anonymousTransport(server),
        }),
      ),
    async () => token && service.revokeRunnerToken({ org, tokenUid: token.uid }),
  );
  await undoOnFailure(
    () => withEnrolment(({ writeCredentials }) => writeCredentials(file, credentials)),
    () => service.revokeRunner({ org, runner, instanceUid: credentials.instanceUid }),
  );
}

async function undoOnFailure<T>(act: () => Promise<T>, undo: () => Promise<unknown>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    // The failure is what has to be told; the token ends by itself, and the key of the instance is lost.
    await undo().catch(() => {});
    throw error;
  }
}
