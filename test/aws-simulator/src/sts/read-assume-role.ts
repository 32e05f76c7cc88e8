import { checkSessionPolicy } from '@planton/aws';
import {
  constraintViolation,
  invalidMfaCode,
  malformedPolicyDocument,
  validationError,
} from '../errors/aws-error.ts';

/** What a call of AssumeRole asked for, as CloudTrail shows it. An external ID is no secret to AWS. */
export interface AssumeRoleRequest {
  readonly roleArn: string;
  readonly roleSessionName: string;
  readonly durationSeconds: number;
  readonly externalId?: string;
  /** The session policy as it was sent. */
  readonly policy?: string;
  /** ARNs of managed session policies. */
  readonly policyArns: readonly string[];
  readonly sourceIdentity?: string;
  readonly tags: ReadonlyMap<string, string>;
  readonly transitiveTagKeys: readonly string[];
}

type Parameters = ReadonlyMap<string, string>;

const DEFAULT_SECONDS = 3_600;
const SHORTEST_SECONDS = 900;
const LONGEST_SECONDS = 43_200;
const MOST_TAGS = 50;
const MOST_POLICY_ARNS = 10;

/** @throws AwsError `ValidationError` or `MalformedPolicyDocument`, as STS checks a request before it looks at any role */
export function readAssumeRole(parameters: Parameters): AssumeRoleRequest {
  const roleArn = demand(parameters, 'RoleArn', 20, 2048);
  const roleSessionName = demand(parameters, 'RoleSessionName', 2, 64, '[\\w+=,.@-]*');
  const durationSeconds = readDuration(parameters.get('DurationSeconds'));
  const externalId = read(parameters, 'ExternalId', 2, 1224, '[\\w+=,.@:\\/-]*');
  const sourceIdentity = read(parameters, 'SourceIdentity', 2, 64, '[\\w+=,.@-]*');
  const policy = readPolicy(parameters.get('Policy'));
  if (!/^arn:[^:\s]+:iam::[0-9]{12}:role\/\S+$/.test(roleArn))
    throw validationError('Request ARN is invalid');
  // Nobody here has a device.
  if (parameters.has('SerialNumber') || parameters.has('TokenCode')) throw invalidMfaCode();
  return {
    roleArn,
    roleSessionName,
    durationSeconds,
    ...(externalId !== undefined && { externalId }),
    ...(policy !== undefined && { policy }),
    policyArns: readList(parameters, 'PolicyArns', MOST_POLICY_ARNS, '.arn'),
    ...(sourceIdentity !== undefined && { sourceIdentity }),
    tags: readTags(parameters),
    transitiveTagKeys: readList(parameters, 'TransitiveTagKeys', MOST_TAGS),
  };
}

function demand(parameters: Parameters, name: string, ...limits: readonly [number, number, string?]): string {
  const value = read(parameters, name, ...limits);
  if (value === undefined) throw constraintViolation(fieldOf(name), 'Member must not be null');
  return value;
}

function read(
  parameters: Parameters,
  name: string,
  shortest: number,
  longest: number,
  pattern?: string,
): string | undefined {
  const value = parameters.get(name);
  if (value === undefined) return undefined;
  const violate = (constraint: string) => constraintViolation(fieldOf(name), constraint);
  if (pattern !== undefined && !new RegExp(`^(?:${pattern})$`).test(value)) {
    throw violate(`Member must satisfy regular expression pattern: ${pattern}`);
  }
  if (value.length < shortest) throw violate(`Member must have length greater than or equal to ${shortest}`);
  if (value.length > longest) throw violate(`Member must have length less than or equal to ${longest}`);
  return value;
}

function readDuration(text: string | undefined): number {
  if (text === undefined) return DEFAULT_SECONDS;
  if (!/^[0-9]{1,10}$/.test(text)) throw validationError('DurationSeconds is not a number of seconds');
  const seconds = Number(text);
  if (seconds < SHORTEST_SECONDS) {
    throw constraintViolation(
      'durationSeconds',
      `Member must have value greater than or equal to ${SHORTEST_SECONDS}`,
    );
  }
  if (seconds > LONGEST_SECONDS) {
    throw constraintViolation(
      'durationSeconds',
      `Member must have value less than or equal to ${LONGEST_SECONDS}`,
    );
  }
  return seconds;
}

function readPolicy(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  const checked = checkSessionPolicy(text);
  if (checked.ok) return text;
  if (checked.reason === 'length') {
    throw constraintViolation('policy', 'Member must have length less than or equal to 2048');
  }
  throw malformedPolicyDocument();
}

function readTags(parameters: Parameters): ReadonlyMap<string, string> {
  const keys = readList(parameters, 'Tags', MOST_TAGS, '.Key');
  const tags = new Map(
    keys.map((key, index) => [key, parameters.get(`Tags.member.${index + 1}.Value`) ?? '']),
  );
  if (new Set(keys.map((key) => key.toLowerCase())).size < keys.length) {
    throw validationError('Duplicate tag keys found. Please note that Tag keys are case insensitive.');
  }
  return tags;
}

/** `NAME.member.1`, `NAME.member.2` and so on, without a gap. */
function readList(parameters: Parameters, name: string, most: number, suffix = ''): readonly string[] {
  const values: string[] = [];
  for (;;) {
    const value = parameters.get(`${name}.member.${values.length + 1}${suffix}`);
    if (value === undefined) return values;
    if (values.length === most) {
      throw constraintViolation(fieldOf(name), `Member must have length less than or equal to ${most}`);
    }
    values.push(value);
  }
}

/** Messages of STS name parameters as its API in Java does. */
function fieldOf(parameter: string): string {
  return parameter.charAt(0).toLowerCase() + parameter.slice(1);
}
