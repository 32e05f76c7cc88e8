import { parse } from 'yaml';
import type { PartitionId } from '../../partitions/partition.ts';
import { findPartition } from '../../partitions/partition.ts';

export interface Resource {
  readonly Type: string;
  readonly Properties: Readonly<Record<string, unknown>>;
}

interface Parameter {
  readonly Type: string;
  readonly Description: string;
  readonly Default?: string | number;
  readonly AllowedPattern?: string;
  readonly ConstraintDescription?: string;
  readonly MaxLength?: number;
  readonly AllowedValues?: readonly string[];
}

export interface Template {
  readonly Metadata: Readonly<Record<string, unknown>>;
  readonly Parameters: Readonly<Record<string, Parameter>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
  readonly Resources: Readonly<Record<string, Resource & { readonly Condition?: string }>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

const ACCOUNT = '210987654321';
const NO_VALUE = Symbol('AWS::NoValue');

/** Reads YAML as CloudFormation does. */
export function readTemplate(text: string): Template {
  return parse(text, { version: '1.1' });
}

/**
 * What CloudFormation makes of a template in account 210987654321: the resources whose conditions hold, with everything
 * resolved. A reference to a resource becomes `ref(ID)` or `att(ID.NAME)`. Throws for what does not resolve.
 */
export function evaluateTemplate(
  template: Template,
  parameters: Readonly<Record<string, string>>,
  partition: PartitionId = 'aws',
): {
  readonly resources: Readonly<Record<string, Resource>>;
  readonly outputs: Readonly<Record<string, unknown>>;
} {
  const pseudo = new Map<string, unknown>([
    ['AWS::NoValue', NO_VALUE],
    ['AWS::AccountId', ACCOUNT],
    ['AWS::Partition', partition],
    ['AWS::Region', findPartition(partition).regions[0]?.name],
    ['AWS::StackName', 'stack'],
    ['AWS::StackId', 'stack-id'],
  ]);

  const ref = (name: string): unknown => {
    if (pseudo.has(name)) return pseudo.get(name);
    const parameter = template.Parameters[name];
    if (parameter !== undefined) return take(name, parameters[name] ?? parameter.Default);
    return `ref(${resource(name)})`;
  };
  const resource = (name: string): string => {
    const found = take(name, template.Resources[name]);
    if (found.Condition !== undefined && !holds(found.Condition)) throw new Error(`${name} is left out`);
    return name;
  };
  const holds = (name: string) => resolve(take(name, template.Conditions[name])) === true;
  const substitute = (text: string, values: Readonly<Record<string, unknown>>) =>
    text.replace(/\$\{([^}]+)\}/g, (_, name: string) => String(values[name] ?? ref(name)));

  const functions: Readonly<Record<string, (argument: never) => unknown>> = {
    Ref: (name: string) => ref(name),
    'Fn::GetAtt': ([name, attribute]: [string, string]) => `att(${resource(name)}.${attribute})`,
    'Fn::If': ([name, yes, no]: [string, unknown, unknown]) => resolve(holds(name) ? yes : no),
    'Fn::Equals': (pair: unknown) => {
      const [one, other] = resolve(pair) as [unknown, unknown];
      return String(one) === String(other);
    },
    'Fn::Not': (argument: unknown) => !(resolve(argument) as [boolean])[0],
    'Fn::Split': (argument: unknown) => {
      const [by, text] = resolve(argument) as [string, string];
      return text.split(by);
    },
    'Fn::Select': (argument: unknown) => {
      const [index, list] = resolve(argument) as [number, string[]];
      return take(`item ${index}`, list[index]);
    },
    'Fn::Sub': (argument: string | [string, object]) =>
      typeof argument === 'string'
        ? substitute(argument, {})
        : substitute(argument[0], resolve(argument[1]) as Record<string, unknown>),
  };

  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(resolve).filter((item) => item !== NO_VALUE);
    if (typeof value !== 'object' || value === null) return value;
    const [[key, argument] = [], ...others] = Object.entries(value);
    if (key === 'Ref' || key?.startsWith('Fn::')) {
      if (others.length > 0) throw new Error(`${key} is not alone`);
      return take(key, functions[key])(argument as never);
    }
    return Object.fromEntries(
      Object.entries(value)
        .map(([name, item]) => [name, resolve(item)])
        .filter(([, item]) => item !== NO_VALUE),
    );
  };

  const made = Object.entries(template.Resources)
    .filter(([, { Condition }]) => Condition === undefined || holds(Condition))
    .map(([name, { Type, Properties }]) => [name, { Type, Properties: resolve(Properties) }]);
  const outputs = Object.entries(template.Outputs).map(([name, { Value }]) => [name, resolve(Value)]);
  return { resources: Object.fromEntries(made), outputs: Object.fromEntries(outputs) };
}

function take<T>(name: string, value: T | undefined): T {
  if (value === undefined) throw new Error(`there is no ${name}`);
  return value;
}
