import { validationError } from '../../errors/aws-error.ts';
import { isFields } from '../../policies/read-fields.ts';
import { evaluate, listOf, type Scope, scalarOf } from './evaluate.ts';

/** What every condition of a template comes to. `ref` knows parameters and pseudo parameters alone. */
export function decideConditions(
  conditions: ReadonlyMap<string, unknown>,
  ref: Scope['ref'],
): ReadonlyMap<string, boolean> {
  const decided = new Map<string, boolean>();
  const underWay = new Set<string>();
  const scope: Scope = {
    ref,
    attribute: () => {
      throw validationError('Template error: Fn::GetAtt cannot be used in the Conditions block');
    },
    condition: (name) => {
      const known = decided.get(name);
      if (known !== undefined) return known;
      if (!conditions.has(name) || underWay.has(name)) {
        throw validationError(
          `Template error: unresolved condition dependency ${name} in the Conditions block of the template`,
        );
      }
      underWay.add(name);
      const value = decide(conditions.get(name), scope);
      decided.set(name, value);
      return value;
    },
  };
  for (const name of conditions.keys()) scope.condition(name);
  return decided;
}

function decide(expression: unknown, scope: Scope): boolean {
  const [name = '', ...others] = isFields(expression) ? Object.keys(expression) : [];
  const argument = isFields(expression) ? expression[name] : undefined;
  if (others.length > 0) throw unknownForm();
  switch (name) {
    case 'Condition':
      if (typeof argument !== 'string') throw unknownForm();
      return scope.condition(argument);
    case 'Fn::Equals': {
      const [one, other] = listOf(argument, name, 2).map((each) => scalarOf(evaluate(each, scope), name));
      return one === other;
    }
    case 'Fn::Not':
      return !decide(listOf(argument, name, 1)[0], scope);
    case 'Fn::And':
      return someOf(argument).every((each) => decide(each, scope));
    case 'Fn::Or':
      return someOf(argument).some((each) => decide(each, scope));
    default:
      throw unknownForm();
  }
}

function someOf(argument: unknown): readonly unknown[] {
  if (!Array.isArray(argument) || argument.length < 2 || argument.length > 10) {
    throw validationError('Template error: Fn::And and Fn::Or take 2 to 10 conditions');
  }
  return argument;
}

function unknownForm() {
  return validationError(
    'Template format error: Conditions can only be boolean operations on parameters and other conditions',
  );
}
