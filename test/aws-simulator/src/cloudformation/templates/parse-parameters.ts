import { validationError } from '../../errors/aws-error.ts';
import { isFields } from '../../policies/read-fields.ts';
import type { Fields, ParameterDefinition } from './template.ts';

const KNOWN: readonly string[] = [
  'Type',
  'Default',
  'AllowedValues',
  'AllowedPattern',
  'MinLength',
  'MaxLength',
  'MinValue',
  'MaxValue',
  'Description',
  'ConstraintDescription',
  'NoEcho',
];

/** @throws AwsError `ValidationError` */
export function parseParameters(sources: Fields, labels: Fields): ReadonlyMap<string, ParameterDefinition> {
  return new Map(
    Object.entries(sources).map(([name, source]) => [name, parseParameter(name, source, labels[name])]),
  );
}

function parseParameter(name: string, source: unknown, label: unknown): ParameterDefinition {
  const refuse = (fault: string) => validationError(`Template format error: Parameter ${name}: ${fault}`);
  if (!isFields(source)) throw refuse('it is not an object');
  const unknown = Object.keys(source).find((key) => !KNOWN.includes(key));
  if (unknown !== undefined) throw refuse(`Invalid property ${unknown}`);
  if (source.Type !== 'String' && source.Type !== 'Number') {
    throw refuse(`Unrecognized parameter type: ${String(source.Type)}`);
  }
  const text = (key: string): string | undefined => {
    const value = source[key];
    if (value === undefined) return undefined;
    if (!isScalar(value)) throw refuse(`${key} is not a text`);
    return String(value);
  };
  const number = (key: string): number | undefined => {
    const value = text(key);
    if (value !== undefined && !Number.isFinite(Number(value))) throw refuse(`${key} is not a number`);
    return value === undefined ? undefined : Number(value);
  };
  const values = source.AllowedValues;
  if (values !== undefined && !(Array.isArray(values) && values.every(isScalar))) {
    throw refuse('AllowedValues is not a list of texts');
  }
  const shown = isFields(label) ? label.default : undefined;
  return withoutAbsent({
    name,
    type: source.Type,
    default: text('Default'),
    allowedValues: values?.map(String),
    allowedPattern: patternOf(text('AllowedPattern'), refuse),
    minLength: number('MinLength'),
    maxLength: number('MaxLength'),
    minValue: number('MinValue'),
    maxValue: number('MaxValue'),
    description: text('Description'),
    constraintDescription: text('ConstraintDescription'),
    noEcho: text('NoEcho') === 'true',
    label: typeof shown === 'string' ? shown : undefined,
  });
}

/** The whole value has to match. */
function patternOf(source: string | undefined, refuse: (fault: string) => Error): RegExp | undefined {
  if (source === undefined) return undefined;
  try {
    return new RegExp(`^(?:${source})$`, 'u');
  } catch {
    throw refuse('AllowedPattern is not a regular expression');
  }
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}

type Absentable = { [Key in keyof ParameterDefinition]: ParameterDefinition[Key] | undefined };

function withoutAbsent(definition: Absentable): ParameterDefinition {
  const present = Object.entries(definition).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as unknown as ParameterDefinition;
}
