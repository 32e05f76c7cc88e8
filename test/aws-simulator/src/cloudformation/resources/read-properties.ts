import { isFields } from '../../policies/read-fields.ts';
import type { Fields } from '../templates/template.ts';
import { ResourceFailure, type ResourceRequest } from './resource-type.ts';

/** Properties of one resource, read as CloudFormation coerces them. */
export interface Properties {
  text(name: string): string;
  optionalText(name: string): string | undefined;
  optionalNumber(name: string): number | undefined;
  /** Empty where there is none. */
  texts(name: string): readonly string[];
  fields(name: string): Fields;
  optionalFields(name: string): Fields | undefined;
  /** Empty where there is none. */
  list(name: string): readonly Fields[];
  /** Of a list of `Key` and `Value`. */
  tags(name: string): Readonly<Record<string, string>>;
}

/** @throws ResourceFailure for a property that is not among the known ones, and whenever one is read that is not of its type */
export function readProperties(
  { logicalId }: Pick<ResourceRequest, 'logicalId'>,
  properties: Fields,
  known: readonly string[],
): Properties {
  const refuse = (fault: string): never => {
    throw new ResourceFailure(
      `Properties validation failed for resource ${logicalId} with message: ${fault}`,
    );
  };
  for (const name of Object.keys(properties)) {
    if (!known.includes(name)) refuse(`#: extraneous key [${name}] is not permitted`);
  }
  const optionalText = (name: string): string | undefined => {
    const value = properties[name];
    if (value === undefined) return undefined;
    return isScalar(value) ? String(value) : refuse(`#/${name}: expected type: String`);
  };
  const list = (name: string): readonly unknown[] => {
    const value = properties[name] ?? [];
    return Array.isArray(value) ? value : refuse(`#/${name}: expected type: JSONArray`);
  };
  const optionalFields = (name: string): Fields | undefined => {
    const value = properties[name];
    if (value === undefined) return undefined;
    return isFields(value) ? value : refuse(`#/${name}: expected type: JSONObject`);
  };
  const demand = <Value>(value: Value | undefined, name: string): Value =>
    value ?? refuse(`#: required key [${name}] not found`);
  const fieldsOf = (name: string): readonly Fields[] =>
    list(name).map((each) => (isFields(each) ? each : refuse(`#/${name}: expected type: JSONObject`)));
  return {
    text: (name) => demand(optionalText(name), name),
    optionalText,
    optionalNumber: (name) => {
      const value = optionalText(name);
      if (value === undefined) return undefined;
      return /^-?[0-9]+$/.test(value) ? Number(value) : refuse(`#/${name}: expected type: Integer`);
    },
    texts: (name) =>
      list(name).map((each) => (isScalar(each) ? String(each) : refuse(`#/${name}: expected type: String`))),
    fields: (name) => demand(optionalFields(name), name),
    optionalFields,
    list: fieldsOf,
    tags: (name) =>
      Object.fromEntries(
        fieldsOf(name).map(({ Key: key, Value: value }) =>
          isScalar(key) && isScalar(value)
            ? [String(key), String(value)]
            : refuse(`#/${name}: a tag has a Key and a Value`),
        ),
      ),
  };
}

/** A name for what the template gives none, as CloudFormation makes them up. */
export function nameFor({ stack, logicalId, world }: ResourceRequest, longest: number): string {
  const suffix = `-${world.randomName(12)}`;
  return `${stack.name}-${logicalId}`.slice(0, longest - suffix.length) + suffix;
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
}
