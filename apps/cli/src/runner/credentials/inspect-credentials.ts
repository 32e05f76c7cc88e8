import { lstat } from 'node:fs/promises';
import { RunnerInstanceState } from '@planton/api/runner/v1/runner';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { RunnerCredentials } from '@planton/enrolment';
import { CliError } from '../../errors/cli-error.ts';
import { listAll } from '../../session/list-all.ts';
import type { Registration } from './make-credentials.ts';
import { withEnrolment } from './with-enrolment.ts';

/** What is known of a credentials file that exists. */
export interface HeldCredentials {
  /** Whether the runner can connect with them, as far as the server knows. */
  readonly usable: boolean;
  /** What the file holds, to follow its name. */
  readonly description: string;
  /** The instance that they are of, where they are of this runner and it may still connect. */
  readonly instanceUid?: string;
}

/** Looks at a credentials file, and asks the server about the instance that it is of; undefined where there is no file. */
export async function inspectCredentials(
  registration: Registration,
  file: string,
): Promise<HeldCredentials | undefined> {
  if (!(await exists(file))) return undefined;
  let credentials: RunnerCredentials;
  try {
    credentials = await withEnrolment(({ readCredentials }) => readCredentials(file));
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    return { usable: false, description: `exists and holds no usable credentials: ${error.message}` };
  }
  const { org, runner } = registration;
  if (credentials.org !== org || credentials.runner !== runner) {
    const whose = `runner ${credentials.runner} of ${credentials.org}`;
    return { usable: false, description: `exists and holds the credentials of another, ${whose}` };
  }
  return describeInstance(registration, credentials);
}

/** A runner that was deleted and registered again has none of its former instances. */
async function describeInstance(
  { org, runner, client, server }: Registration,
  { instanceUid, server: from }: RunnerCredentials,
): Promise<HeldCredentials> {
  const instances = await listAll(
    (page) => client(RunnerService).listRunnerInstances({ org, runner, includeRefused: true, ...page }),
    (page) => page.instances,
  );
  const instance = instances.find(({ uid }) => uid === instanceUid);
  switch (instance?.state) {
    case undefined:
      return {
        usable: false,
        description: `exists and holds credentials ${
          from === server ? 'of a runner that was deleted' : `that this server does not know, made at ${from}`
        }`,
      };
    case RunnerInstanceState.REVOKED:
      return { usable: false, description: 'exists and holds credentials that were revoked' };
    case RunnerInstanceState.LOCKED:
      return {
        usable: false,
        description:
          'exists and holds credentials that are locked, because an outdated copy of them was used',
      };
    default:
      return {
        usable: true,
        description: `holds credentials of this runner already (instance ${instance?.name})`,
        instanceUid,
      };
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    await lstat(file);
    return true;
  } catch (error) {
    // What cannot be looked at may be there: whoever writes it will say why.
    return !(
      error instanceof Error &&
      'code' in error &&
      (error.code === 'ENOENT' || error.code === 'ENOTDIR')
    );
  }
}
