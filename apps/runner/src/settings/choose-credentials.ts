import {
  EnrolmentError,
  type FoundCredentials,
  findCredentials,
  type RunnerCredentials,
  readCredentials,
} from '@planton/enrolment';
import { SettingsRefused } from '@planton/rpc';
import type { ProgramSettings } from './read-settings.ts';

/** What the runner starts with: credentials and the file that they are kept in, or nothing yet. */
export type Choice =
  | { readonly file: string; readonly credentials: RunnerCredentials }
  /** `file` is where new ones are to be kept, where the settings name a place. */
  | { readonly file?: string; readonly credentials?: undefined };

/**
 * Finds the credentials that the settings mean: the file that they name, else the only one under the configuration folder, of the
 * runner that they name where they name one.
 *
 * @throws SettingsRefused where several fit, naming them; EnrolmentError where none does and there is no token, or for the file itself
 */
export async function chooseCredentials(settings: ProgramSettings): Promise<Choice> {
  const { credentialsFile, name, token } = settings;
  if (settings.ephemeral) return {};
  if (credentialsFile !== undefined) {
    const credentials = await readUnlessMissing(credentialsFile, token !== undefined);
    if (credentials && name !== undefined && credentials.runner !== slugOf(name))
      throw new SettingsRefused(
        `${credentialsFile} holds the credentials of the runner "${credentials.runner}", not of "${name}"`,
        `leave the name out, or name the file of "${name}"`,
      );
    return credentials ? { file: credentialsFile, credentials } : { file: credentialsFile };
  }
  const found = await findMatching(settings);
  const [only] = found;
  if (found.length > 1) throw several(found, settings);
  if (only) return { file: only.file, credentials: await readCredentials(only.file) };
  if (token !== undefined) return {};
  throw new EnrolmentError('file', 'CREDENTIALS_MISSING', describeMissing(settings), {
    hint: `planton runner register --name ${name ?? 'NAME'} --yes, or set PLANTON_RUNNER_TOKEN`,
  });
}

async function readUnlessMissing(file: string, canEnrol: boolean): Promise<RunnerCredentials | undefined> {
  try {
    return await readCredentials(file);
  } catch (error) {
    if (canEnrol && error instanceof EnrolmentError && error.reason === 'CREDENTIALS_MISSING')
      return undefined;
    throw error;
  }
}

async function findMatching({
  configHome,
  name,
  org,
}: ProgramSettings): Promise<readonly FoundCredentials[]> {
  const all = await findCredentials(configHome);
  const named = name === undefined ? all : all.filter(({ runner }) => runner === slugOf(name));
  const inOrg = org === undefined ? named : named.filter((each) => each.org === org);
  // An organisation from the environment is a preference, since the only credentials there are need none.
  return inOrg.length === 0 ? named : inOrg;
}

function several(found: readonly FoundCredentials[], { name }: ProgramSettings): SettingsRefused {
  const list = found.map(({ file, org, runner }) => `  ${runner} of ${org}: ${file}`).join('\n');
  return new SettingsRefused(
    `there are credentials of several runners${name === undefined ? '' : ` "${name}"`}:\n${list}`,
    name === undefined
      ? `planton runner start ${found[0]?.runner}, or --credentials-file FILE`
      : 'name the organisation with --org ORG, or the file with --credentials-file FILE',
  );
}

function describeMissing({ configHome, name }: ProgramSettings): string {
  return name === undefined
    ? `there are no runner credentials under ${configHome}`
    : `there are no credentials of a runner "${name}" under ${configHome}`;
}

/** Names are folded as the platform folds them. */
function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
}
