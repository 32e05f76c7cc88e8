import { validationError } from '../../errors/aws-error.ts';
import { isFields } from '../../policies/read-fields.ts';

/** What names in a template stand for. */
export interface Scope {
  /** Of a parameter, a pseudo parameter or a resource. */
  ref(name: string): unknown;
  attribute(resource: string, name: string): unknown;
  condition(name: string): boolean;
}

/** What `AWS::NoValue` is: the property or the element that it stands for is not there. */
export const NO_VALUE = Symbol('AWS::NoValue');

type Evaluate = (argument: unknown, scope: Scope) => unknown;

/** The value with all functions in it evaluated. */
export function evaluate(value: unknown, scope: Scope): unknown {
  if (Array.isArray(value)) {
    return value.map((each) => evaluate(each, scope)).filter((each) => each !== NO_VALUE);
  }
  if (!isFields(value)) return value;
  const found = functionOf(value);
  if (found !== undefined) return found.perform(found.argument, scope);
  return Object.fromEntries(
    Object.entries(value)
      .map(([name, each]) => [name, evaluate(each, scope)] as const)
      .filter(([, each]) => each !== NO_VALUE),
  );
}

/**
 * The function that an object stands for, if it does.
 *
 * @throws AwsError `ValidationError` for a function that is not understood
 */
export function functionOf(
  fields: Readonly<Record<string, unknown>>,
): { readonly name: string; readonly argument: unknown; readonly perform: Evaluate } | undefined {
  const names = Object.keys(fields).filter((name) => name === 'Ref' || name.startsWith('Fn::'));
  const [name] = names;
  if (name === undefined) return undefined;
  const perform = FUNCTIONS.get(name);
  if (perform === undefined) throw validationError(`Template error: ${name} is not understood here`);
  if (Object.keys(fields).length > 1) {
    throw validationError(`Template error: every ${name} object has to have one key alone`);
  }
  return { name, argument: fields[name], perform };
}

/** The names between `${` and `}`; `undefined` where a literal is meant, which starts with `!`. */
export function replaceNames(text: string, replace: (name: string) => string): string {
  return text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
    if (name.startsWith('!')) return `\${${name.slice(1)}}`;
    if (!/^[A-Za-z0-9_.:]+$/.test(name)) {
      throw validationError(
        'Template error: variable names in Fn::Sub syntax must contain only alphanumeric characters, underscores, periods, and colons',
      );
    }
    return replace(name);
  });
}

const FUNCTIONS: ReadonlyMap<string, Evaluate> = new Map<string, Evaluate>([
  ['Ref', (name, scope) => scope.ref(textOf(name, 'Ref'))],
  ['Fn::GetAtt', getAttribute],
  ['Fn::Sub', substitute],
  ['Fn::If', choose],
  ['Fn::Join', join],
  ['Fn::Select', select],
  ['Fn::Split', split],
]);

/** The name of a resource and that of an attribute, which may be written as one text with a point between them. */
export function attributeOf(argument: unknown): readonly [resource: string, name: string] {
  const [resource, name] =
    typeof argument === 'string' ? argument.split(/\.(.*)/, 2) : listOf(argument, 'Fn::GetAtt', 2);
  return [textOf(resource, 'Fn::GetAtt'), textOf(name, 'Fn::GetAtt')];
}

function getAttribute(argument: unknown, scope: Scope): unknown {
  return scope.attribute(...attributeOf(argument));
}

function substitute(argument: unknown, scope: Scope): unknown {
  const [text, given] = typeof argument === 'string' ? [argument, {}] : listOf(argument, 'Fn::Sub', 2);
  if (!isFields(given)) throw malformed('Fn::Sub');
  return replaceNames(textOf(text, 'Fn::Sub'), (name) => {
    if (Object.hasOwn(given, name)) return scalarOf(evaluate(given[name], scope), 'Fn::Sub');
    const [resource = '', attribute] = name.split(/\.(.*)/, 2);
    const value = attribute === undefined ? scope.ref(name) : scope.attribute(resource, attribute);
    return scalarOf(value, 'Fn::Sub');
  });
}

function choose(argument: unknown, scope: Scope): unknown {
  const [condition, whenTrue, whenFalse] = listOf(argument, 'Fn::If', 3);
  return evaluate(scope.condition(textOf(condition, 'Fn::If')) ? whenTrue : whenFalse, scope);
}

function join(argument: unknown, scope: Scope): unknown {
  const [delimiter, values] = listOf(argument, 'Fn::Join', 2);
  const list = evaluate(values, scope);
  if (!Array.isArray(list)) throw malformed('Fn::Join');
  return list.map((each) => scalarOf(each, 'Fn::Join')).join(textOf(delimiter, 'Fn::Join'));
}

function select(argument: unknown, scope: Scope): unknown {
  const [index, values] = listOf(argument, 'Fn::Select', 2);
  const at = Number(scalarOf(evaluate(index, scope), 'Fn::Select'));
  const list = evaluate(values, scope);
  if (!Array.isArray(list)) throw malformed('Fn::Select');
  if (!Number.isInteger(at) || at < 0 || at >= list.length) {
    throw validationError('Template error: Fn::Select cannot select nonexistent value at index');
  }
  return list[at];
}

function split(argument: unknown, scope: Scope): unknown {
  const [delimiter, text] = listOf(argument, 'Fn::Split', 2);
  return scalarOf(evaluate(text, scope), 'Fn::Split').split(textOf(delimiter, 'Fn::Split'));
}

export function listOf(argument: unknown, name: string, size: number): readonly unknown[] {
  if (!Array.isArray(argument) || argument.length !== size) throw malformed(name);
  return argument;
}

function textOf(value: unknown, name: string): string {
  if (typeof value !== 'string') throw malformed(name);
  return value;
}

/** Numbers and booleans are written as texts where a text is made. */
export function scalarOf(value: unknown, name: string): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') {
    throw malformed(name);
  }
  return String(value);
}

function malformed(name: string) {
  return validationError(`Template error: the arguments of ${name} are not of the form that it takes`);
}
