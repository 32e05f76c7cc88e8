import { matchArn, matchText } from './match-text.ts';
import { isFields, textsOf } from './read-fields.ts';

/** One line of a Condition block: a key, and the values that it is compared with. */
export interface Condition {
  readonly compare: (value: string, pattern: string) => boolean;
  /** Whether no value may match, instead of one having to. */
  readonly negated: boolean;
  /** What it comes to where the request does not have the key. */
  readonly whenAbsent: boolean;
  /** What it comes to where the request has the key; absent where that depends on its value. */
  readonly whenPresent?: boolean;
  /** In lower case, as keys compare. */
  readonly key: string;
  readonly values: readonly string[];
}

/** What a request says of itself, by key in lower case. */
export type RequestKeys = ReadonlyMap<string, string>;

type Operator = Pick<Condition, 'compare' | 'negated'>;

const equal = (value: string, wanted: string) => value === wanted;
const equalIgnoringCase = (value: string, wanted: string) => value.toLowerCase() === wanted.toLowerCase();

const OPERATORS: ReadonlyMap<string, Operator> = new Map(
  (
    [
      ['StringEquals', 'StringNotEquals', equal],
      ['StringEqualsIgnoreCase', 'StringNotEqualsIgnoreCase', equalIgnoringCase],
      ['StringLike', 'StringNotLike', matchText],
      ['ArnEquals', 'ArnNotEquals', matchArn],
      ['ArnLike', 'ArnNotLike', matchArn],
    ] as const
  )
    .flatMap(([is, isNot, compare]): [string, Operator][] => [
      [is, { compare, negated: false }],
      [isNot, { compare, negated: true }],
    ])
    .concat([['Bool', { compare: equalIgnoringCase, negated: false }]]),
);

/** @throws Error for an operator or a value that is not understood */
export function parseConditions(block: unknown): readonly Condition[] {
  if (!isFields(block)) throw new Error('Condition is not an object');
  return Object.entries(block).flatMap(([operator, comparisons]) => {
    if (!isFields(comparisons)) throw new Error(`Condition.${operator} is not an object`);
    return Object.entries(comparisons).map(([key, value]) => {
      const where = `Condition.${operator}.${key}`;
      const values = textsOf(typeof value === 'boolean' ? String(value) : value, where);
      if (values.some((each) => each.includes('${'))) {
        throw new Error(`${where} has a policy variable, which is not understood`);
      }
      return parseCondition(operator, key.toLowerCase(), values);
    });
  });
}

function parseCondition(operator: string, key: string, values: readonly string[]): Condition {
  if (operator === 'Null') {
    const absent = values.some((value) => value.toLowerCase() === 'true');
    return { compare: equal, negated: false, whenAbsent: absent, whenPresent: !absent, key, values };
  }
  const name = operator.replace(/IfExists$/, '');
  const known = OPERATORS.get(name);
  if (known === undefined) throw new Error(`Condition.${operator} is not understood`);
  return { ...known, whenAbsent: known.negated || name !== operator, key, values };
}

/** Whether the request meets the condition. */
export function meets(condition: Condition, keys: RequestKeys): boolean {
  const value = keys.get(condition.key);
  if (value === undefined) return condition.whenAbsent;
  if (condition.whenPresent !== undefined) return condition.whenPresent;
  return condition.values.some((wanted) => condition.compare(value, wanted)) !== condition.negated;
}
