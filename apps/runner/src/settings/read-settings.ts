import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { type LogLevel, logLevels, SettingsRefused } from '@planton/rpc';

/** What a runner can be told, by flag or by environment variable; flags win. */
export interface ProgramSettings {
  /** Name or slug of the runner whose credentials are used. */
  readonly name?: string;
  /** Organisation of the runner, where several have one of the name. */
  readonly org?: string;
  readonly credentialsFile?: string;
  /** Enrols where there are no credentials yet. */
  readonly token?: string;
  /** Whether the key lives in memory alone: every start enrols, and no credentials are looked for. */
  readonly ephemeral: boolean;
  /** Where to enrol. */
  readonly server: string;
  /** Folder that credentials are looked for and kept in. */
  readonly configHome: string;
  readonly maxInFlight: number;
  /** `HOST:PORT` of the health endpoint; absent for none. */
  readonly healthListen?: string;
  readonly logLevel: LogLevel;
  /** Whether a server started this as the platform's own runner. */
  readonly platform: boolean;
}

/** The largest number that the contract takes. */
const MOST_IN_FLIGHT = 1_000;

const flags = {
  'credentials-file': { type: 'string' },
  org: { type: 'string' },
  server: { type: 'string' },
  'max-in-flight': { type: 'string' },
  'health-listen': { type: 'string' },
  'log-level': { type: 'string' },
  ephemeral: { type: 'boolean' },
  platform: { type: 'boolean' },
} as const;

type TextFlag = Exclude<keyof typeof flags, 'ephemeral' | 'platform'>;

/** The help text. */
export const usage = `Usage: planton runner start [NAME] [flags]

Runs a runner in this process until it is told to end. It uses the credentials that --credentials-file names, else the
only ones under the configuration folder; where there are none yet, PLANTON_RUNNER_TOKEN enrols it.

  --credentials-file FILE   credentials.json of the runner; also PLANTON_RUNNER_CREDENTIALS_FILE
  --org ORG                 where several organisations have a runner NAME; also PLANTON_ORG
  --server URL              where to enrol; default http://127.0.0.1:8080; also PLANTON_SERVER
  --ephemeral               keep the key in memory alone and enrol at every start, with a pool token; also
                            PLANTON_RUNNER_EPHEMERAL=true
  --max-in-flight N         operations at once; default 16; also PLANTON_MAX_IN_FLIGHT
  --health-listen HOST:PORT answers GET /healthz and /readyz there; also PLANTON_HEALTH_LISTEN
  --log-level LEVEL         ${logLevels.join(', ')}; default info; also PLANTON_LOG_LEVEL

  PLANTON_RUNNER_TOKEN      enrolment token, from: planton runner token create NAME
  PLANTON_CONFIG_HOME       the configuration folder; default ~/.planton
  HTTPS_PROXY, NO_PROXY     the proxy on the way out, and what is reached without it
`;

/**
 * Reads the settings of a runner.
 *
 * @param argv the arguments after the command
 * @throws SettingsRefused
 */
export function readSettings(argv: readonly string[], env: NodeJS.ProcessEnv): ProgramSettings {
  const { values, positionals } = parse(argv);
  const setting = (flag: TextFlag, variable: string): string | undefined =>
    values[flag] || env[variable] || undefined;
  const logLevel = setting('log-level', 'PLANTON_LOG_LEVEL') ?? 'info';
  if (!isLogLevel(logLevel))
    throw new SettingsRefused(
      `"${logLevel}" is not a log level`,
      `--log-level takes ${logLevels.join(', ')}`,
    );
  const [name] = positionals;
  const org = setting('org', 'PLANTON_ORG');
  const credentialsFile = setting('credentials-file', 'PLANTON_RUNNER_CREDENTIALS_FILE');
  const healthListen = setting('health-listen', 'PLANTON_HEALTH_LISTEN');
  const token = env.PLANTON_RUNNER_TOKEN?.trim();
  const ephemeral = values.ephemeral ?? readSwitch(env.PLANTON_RUNNER_EPHEMERAL, 'PLANTON_RUNNER_EPHEMERAL');
  if (ephemeral && !token)
    throw new SettingsRefused(
      'an ephemeral runner enrols at every start and has no token for it',
      'planton runner token create NAME, and give the token to PLANTON_RUNNER_TOKEN',
    );
  return {
    ephemeral,
    server: setting('server', 'PLANTON_SERVER') ?? 'http://127.0.0.1:8080',
    configHome: env.PLANTON_CONFIG_HOME || join(env.HOME || homedir(), '.planton'),
    maxInFlight: readCount(setting('max-in-flight', 'PLANTON_MAX_IN_FLIGHT') ?? '16'),
    logLevel,
    platform: values.platform ?? false,
    ...(name === undefined ? {} : { name }),
    ...(org === undefined ? {} : { org }),
    ...(credentialsFile === undefined ? {} : { credentialsFile }),
    ...(healthListen === undefined ? {} : { healthListen }),
    ...(token ? { token } : {}),
  };
}

function parse(argv: readonly string[]) {
  try {
    const parsed = parseArgs({ args: [...argv], options: flags, allowPositionals: true, strict: true });
    if (parsed.positionals.length <= 1) return parsed;
  } catch (error) {
    throw new SettingsRefused(
      error instanceof Error ? error.message : 'the flags cannot be read',
      'planton runner start --help',
    );
  }
  throw new SettingsRefused('one process runs one runner', 'planton runner start --help');
}

function readCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > MOST_IN_FLIGHT)
    throw new SettingsRefused(
      `"${text}" is not a number of operations`,
      `--max-in-flight takes 1 to ${MOST_IN_FLIGHT}`,
    );
  return count;
}

function readSwitch(text: string | undefined, variable: string): boolean {
  if (text === undefined || text === '' || text === 'false') return false;
  if (text === 'true') return true;
  throw new SettingsRefused(`${variable} is neither true nor false`, `${variable}=true`);
}

function isLogLevel(text: string): text is LogLevel {
  return (logLevels as readonly string[]).includes(text);
}
