import { type Check, type Fault, fault } from '../check.ts';

export type SessionPolicyReason = 'empty' | 'length' | 'characters' | 'json' | 'version' | 'statement';

const LONGEST = 2048;
const VERSIONS: readonly unknown[] = ['2012-10-17', '2008-10-17'];

/**
 * Refuses a session policy that STS would refuse: at most 2,048 characters of JSON, with statements that each have an
 * effect, actions and resources, and no principal. Actions and resources themselves are left to AWS.
 */
export function checkSessionPolicy(text: string): Check<SessionPolicyReason> {
  if (text.trim() === '') return fault('empty', 'is empty; leave the policy out to ask for no restriction');
  if (text.length > LONGEST) {
    return fault('length', `is ${text.length} characters long; a session policy has at most ${LONGEST}`);
  }
  if (!/^[\t\n\r\x20-\xff]+$/.test(text)) {
    return fault('characters', 'holds characters that a policy cannot have, such as control characters');
  }
  const policy = readJson(text);
  if (!isObject(policy)) return fault('json', 'is not a JSON object');
  if (policy.Version !== undefined && !VERSIONS.includes(policy.Version)) {
    return fault('version', 'has a Version other than 2012-10-17 and 2008-10-17');
  }
  const statements = Array.isArray(policy.Statement) ? policy.Statement : [policy.Statement];
  if (policy.Statement === undefined || statements.length === 0) {
    return fault('statement', 'has no Statement');
  }
  for (const [index, statement] of statements.entries()) {
    const found = faultOfStatement(statement, `Statement ${index + 1}`);
    if (found !== undefined) return found;
  }
  return { ok: true };
}

function faultOfStatement(statement: unknown, where: string): Fault<SessionPolicyReason> | undefined {
  if (!isObject(statement)) return fault('statement', `${where} is not an object`);
  if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
    return fault('statement', `${where} has no Effect, which is Allow or Deny`);
  }
  if ('Principal' in statement || 'NotPrincipal' in statement) {
    return fault('statement', `${where} has a principal; a session policy has none`);
  }
  for (const [one, other] of [
    ['Action', 'NotAction'],
    ['Resource', 'NotResource'],
  ] as const) {
    if (one in statement === other in statement) {
      return fault('statement', `${where} needs one of ${one} and ${other}`);
    }
    if (!isTextList(statement[one] ?? statement[other])) {
      return fault(
        'statement',
        `${where} has ${one} or ${other} that is neither a string nor a list of them`,
      );
    }
  }
  return undefined;
}

function isTextList(value: unknown): boolean {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.length > 0 && items.every((item) => typeof item === 'string' && item !== '');
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
