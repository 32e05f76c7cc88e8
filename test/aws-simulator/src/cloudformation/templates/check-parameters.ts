import { validationError } from '../../errors/aws-error.ts';
import type { ParameterDefinition } from './template.ts';

/**
 * The value of every parameter of a template: the one given, else the one of `previous`, else its default.
 *
 * @throws AwsError `ValidationError` for the first that is missing or not allowed, and for one that the template does not have
 */
export function checkParameters(
  definitions: ReadonlyMap<string, ParameterDefinition>,
  given: Readonly<Record<string, string>>,
  previous: ReadonlyMap<string, string> = new Map(),
): ReadonlyMap<string, string> {
  const unknown = Object.keys(given).filter((name) => !definitions.has(name));
  if (unknown.length > 0) {
    throw validationError(`Parameters: [${unknown.join(', ')}] do not exist in the template`);
  }
  const values = new Map<string, string>();
  const missing: string[] = [];
  for (const [name, definition] of definitions) {
    const value = Object.hasOwn(given, name) ? given[name] : (previous.get(name) ?? definition.default);
    if (value === undefined) missing.push(name);
    else values.set(name, value);
  }
  if (missing.length > 0) throw validationError(`Parameters: [${missing.join(', ')}] must have values`);
  for (const [name, value] of values) {
    const definition = definitions.get(name);
    const fault = definition && faultOf(definition, value);
    if (fault !== undefined) {
      const { constraintDescription } = definition ?? {};
      throw validationError(
        constraintDescription === undefined
          ? `Parameter '${name}' ${fault}`
          : `Parameter ${name} failed to satisfy constraint: ${constraintDescription}`,
      );
    }
  }
  return values;
}

function faultOf(definition: ParameterDefinition, value: string): string | undefined {
  const { type, allowedValues, allowedPattern, minLength = 0, maxLength = 4_096 } = definition;
  if (allowedValues !== undefined && !allowedValues.includes(value)) return 'must be one of AllowedValues';
  if (type === 'Number') return faultOfNumber(definition, value);
  if (value.length < minLength) return `must contain at least ${minLength} characters`;
  if (value.length > maxLength) return `must contain at most ${maxLength} characters`;
  if (allowedPattern !== undefined && !allowedPattern.test(value)) {
    return `must match pattern ${allowedPattern.source.slice('^(?:'.length, -')$'.length)}`;
  }
  return undefined;
}

function faultOfNumber({ minValue, maxValue }: ParameterDefinition, value: string): string | undefined {
  if (!/^-?[0-9]+(\.[0-9]+)?$/.test(value)) return 'must be a number';
  if (minValue !== undefined && Number(value) < minValue) return `must be a number not less than ${minValue}`;
  if (maxValue !== undefined && Number(value) > maxValue)
    return `must be a number not greater than ${maxValue}`;
  return undefined;
}
