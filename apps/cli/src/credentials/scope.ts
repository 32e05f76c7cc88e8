import type { Duration } from '@bufbuild/protobuf/wkt';
import { checkSessionPolicy } from '@planton/aws';
import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import { parseDuration } from '../program/parse-duration.ts';
import { readFileLimited } from '../program/read-file-limited.ts';
import { decodeUtf8 } from '../terminal/read-stdin.ts';

/** What narrows credentials down, as it was typed. */
export interface ScopeOptions {
  readonly duration?: string;
  readonly sessionPolicyFile?: string;
  /** Why, for the audit trail. */
  readonly purpose?: string;
}

/** What narrows credentials down, as the server takes it. */
export interface Scope {
  readonly duration?: Pick<Duration, 'seconds' | 'nanos'>;
  readonly sessionPolicy?: string;
}

const shortest = 900n;
const longest = 43_200n;
const largestFile = 65_536;

/** Adds the options that narrow credentials down and say what they are for. */
export function withScope(command: Command): Command {
  return command
    .option('--duration <duration>', 'how long they live: 15m to 12h; an hour if left out')
    .option('--session-policy-file <path>', 'IAM policy in JSON that they are scoped down to')
    .option('--purpose <text>', 'why, for the audit trail');
}

/** Checks what was typed, and reads the policy. */
export async function readScope({ duration, sessionPolicyFile }: ScopeOptions): Promise<Scope> {
  return {
    ...(duration === undefined ? {} : { duration: { seconds: readDuration(duration), nanos: 0 } }),
    ...(sessionPolicyFile === undefined ? {} : { sessionPolicy: await readPolicy(sessionPolicyFile) }),
  };
}

function readDuration(text: string): bigint {
  const seconds = parseDuration(text);
  if (seconds < shortest || seconds > longest)
    throw usage('--duration is 15m to 12h', 'for example --duration 1h');
  return seconds;
}

/** White space between the tokens counts towards the length that AWS allows, so it is left out. */
async function readPolicy(path: string): Promise<string> {
  const text = decodeUtf8(await readFileLimited(path, largestFile), path);
  const policy = compact(text);
  const checked = checkSessionPolicy(policy);
  if (!checked.ok) throw usage(`${path} ${checked.message}`, 'it has to be an IAM policy in JSON');
  return policy;
}

function compact(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}
