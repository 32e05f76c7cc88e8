import { type Condition, parseConditions } from './condition.ts';
import { type Fields, isFields, listOf, textsOf } from './read-fields.ts';

/** A policy document as it was written. */
export type PolicyDocument = Fields;

/** What a role, a boundary or a session may do, of a policy document that this simulator understands whole. */
export interface IdentityPolicy {
  readonly statements: readonly IdentityStatement[];
}

export interface IdentityStatement {
  readonly effect: 'Allow' | 'Deny';
  /** In lower case. */
  readonly actions: Patterns;
  readonly resources: Patterns;
  readonly conditions: readonly Condition[];
}

/** `*` and `?` stand for any characters and any one. */
export interface Patterns {
  readonly patterns: readonly string[];
  /** Whether all is meant but what is of a pattern. */
  readonly negated: boolean;
}

const ELEMENTS: readonly string[] = [
  'Sid',
  'Effect',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition',
];

/**
 * @param where names the policy in errors
 * @throws Error for what IAM would refuse, and for what IAM knows and this simulator does not: nothing is passed over
 */
export function parseIdentityPolicy(document: unknown, where: string): IdentityPolicy {
  const refuse = (fault: string): never => {
    throw new Error(`${where}: ${fault}`);
  };
  if (!isFields(document)) return refuse('it is not an object');
  const unknown = Object.keys(document).find((key) => !['Version', 'Id', 'Statement'].includes(key));
  if (unknown !== undefined) return refuse(`${unknown} is not understood`);
  if (document.Version !== '2012-10-17') return refuse('Version is not 2012-10-17');
  const statements = listOf(document.Statement);
  if (statements.length === 0) return refuse('there is no Statement');
  const ids = statements.flatMap((each) => (isFields(each) && each.Sid !== undefined ? [each.Sid] : []));
  if (new Set(ids).size < ids.length) return refuse('Statement IDs (SID) in a single policy must be unique.');
  return {
    statements: statements.map((each, index) => {
      try {
        return parseStatement(each);
      } catch (error) {
        return refuse(`Statement ${index + 1}: ${error instanceof Error ? error.message : String(error)}`);
      }
    }),
  };
}

function parseStatement(statement: unknown): IdentityStatement {
  if (!isFields(statement)) throw new Error('it is not an object');
  const unknown = Object.keys(statement).find((key) => !ELEMENTS.includes(key));
  if (unknown !== undefined) throw new Error(`${unknown} is not understood`);
  const { Sid: id, Effect: effect, Condition: condition } = statement;
  if (id !== undefined && !(typeof id === 'string' && /^[0-9A-Za-z]*$/.test(id))) {
    throw new Error('Statement IDs (SID) must be alpha-numeric.');
  }
  if (effect !== 'Allow' && effect !== 'Deny') throw new Error('Effect is not Allow or Deny');
  const actions = parsePatterns(statement, 'Action', checkAction);
  return {
    effect,
    actions: { ...actions, patterns: actions.patterns.map((each) => each.toLowerCase()) },
    resources: parsePatterns(statement, 'Resource', checkResource),
    conditions: condition === undefined ? [] : parseConditions(condition),
  };
}

function parsePatterns(
  statement: Fields,
  name: 'Action' | 'Resource',
  check: (text: string) => void,
): Patterns {
  const [is, isNot] = [statement[name], statement[`Not${name}`]];
  if ((is === undefined) === (isNot === undefined)) {
    throw new Error(`there has to be either ${name} or Not${name}`);
  }
  const patterns = textsOf(is ?? isNot, is === undefined ? `Not${name}` : name);
  for (const pattern of patterns) check(pattern);
  return { patterns, negated: is === undefined };
}

function checkAction(action: string): void {
  if (action !== '*' && !/^[a-z0-9*?-]+:[\w*?]+$/i.test(action)) {
    throw new Error('Actions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.');
  }
}

function checkResource(resource: string): void {
  if (resource.includes('${')) throw new Error('Resource has a policy variable, which is not understood');
  if (resource !== '*' && !/^arn:[^:]*:[^:]*:[^:]*:[^:]*:./.test(resource)) {
    throw new Error('Resource must be in ARN format or "*".');
  }
}
