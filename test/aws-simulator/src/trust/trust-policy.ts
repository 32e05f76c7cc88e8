import { checkAccountId, parseArn } from '@planton/aws';
import { type Condition, parseConditions } from '../policies/condition.ts';
import { type Fields, isFields, listOf, textsOf } from '../policies/read-fields.ts';

/** Who may assume a role, of a policy document that this simulator understands whole. */
export interface TrustPolicy {
  readonly statements: readonly Statement[];
}

export interface Statement {
  readonly effect: 'Allow' | 'Deny';
  /** `*`, account ids, and ARNs of accounts, users, roles and sessions. Identity providers call nothing here. */
  readonly principals: readonly string[];
  /** Such as `lambda.amazonaws.com`. */
  readonly services: readonly string[];
  /** In lower case; `*` and `?` stand for any characters and any one. */
  readonly actions: readonly string[];
  readonly conditions: readonly Condition[];
}

const ELEMENTS: readonly string[] = ['Sid', 'Effect', 'Principal', 'Action', 'Condition'];

/**
 * @param where names the role in errors
 * @throws Error for what IAM would refuse, and for what IAM knows and this simulator does not: nothing is passed over
 */
export function parseTrustPolicy(document: Fields, where: string): TrustPolicy {
  const unknown = Object.keys(document).find((key) => !['Version', 'Id', 'Statement'].includes(key));
  if (unknown !== undefined) throw new Error(`${where}: trust policy: ${unknown} is not understood`);
  const { Version: version, Statement: statement } = document;
  if (version !== '2012-10-17') throw new Error(`${where}: trust policy: Version is not 2012-10-17`);
  const statements = listOf(statement);
  if (statements.length === 0) throw new Error(`${where}: trust policy: there is no Statement`);
  return {
    statements: statements.map((each, index) => {
      try {
        return parseStatement(each);
      } catch (error) {
        const fault = error instanceof Error ? error.message : String(error);
        throw new Error(`${where}: trust policy: Statement ${index + 1}: ${fault}`);
      }
    }),
  };
}

function parseStatement(statement: unknown): Statement {
  if (!isFields(statement)) throw new Error('it is not an object');
  const unknown = Object.keys(statement).find((key) => !ELEMENTS.includes(key));
  if (unknown !== undefined) throw new Error(`${unknown} is not understood`);
  const { Effect: effect, Principal: principal, Action: action, Condition: condition } = statement;
  if (effect !== 'Allow' && effect !== 'Deny') throw new Error('Effect is not Allow or Deny');
  return {
    effect,
    ...parsePrincipals(principal),
    actions: textsOf(action, 'Action').map((each) => each.toLowerCase()),
    conditions: condition === undefined ? [] : parseConditions(condition),
  };
}

function parsePrincipals(principal: unknown): Pick<Statement, 'principals' | 'services'> {
  if (principal === '*') return { principals: ['*'], services: [] };
  if (!isFields(principal)) throw new Error('Principal is not "*" or an object');
  const namesOf = (kind: string) =>
    principal[kind] === undefined ? [] : textsOf(principal[kind], `Principal.${kind}`);
  const unknown = Object.keys(principal).find((kind) => !['AWS', 'Service', 'Federated'].includes(kind));
  if (unknown !== undefined) throw new Error(`Principal.${unknown} is not understood`);
  namesOf('Federated');
  for (const name of namesOf('AWS')) checkPrincipal(name);
  return { principals: namesOf('AWS'), services: namesOf('Service') };
}

/** IAM takes a lone `*` and no other pattern. */
function checkPrincipal(name: string): void {
  if (name === '*' || checkAccountId(name).ok) return;
  const arn = parseArn(name);
  if (!arn.ok) throw new Error(`a principal ${arn.message}`);
  const { service, accountId, resource } = arn.value;
  const known =
    service === 'iam'
      ? resource === 'root' || /^(user|role)\/[^*?]+$/.test(resource)
      : service === 'sts' && /^assumed-role\/[^/*?]+\/[^/*?]+$/.test(resource);
  if (!known || !checkAccountId(accountId).ok) {
    throw new Error('a principal is not an account, a user, a role or a session');
  }
}
