import { isFields } from '../../policies/read-fields.ts';
import { attributeOf, functionOf, replaceNames } from './evaluate.ts';

/** The names that a value speaks of, in all of its branches. */
export interface References {
  /** Of `Ref` and of `Fn::Sub` without a point. */
  readonly refs: ReadonlySet<string>;
  /** Resources of which an attribute is taken. */
  readonly resources: ReadonlySet<string>;
  readonly conditions: ReadonlySet<string>;
}

/** @throws AwsError `ValidationError` for a function that is not understood */
export function findReferences(value: unknown): References {
  const found = { refs: new Set<string>(), resources: new Set<string>(), conditions: new Set<string>() };
  collect(value, found);
  return found;
}

function collect(
  value: unknown,
  found: { refs: Set<string>; resources: Set<string>; conditions: Set<string> },
): void {
  if (Array.isArray(value)) {
    for (const each of value) collect(each, found);
    return;
  }
  if (!isFields(value)) return;
  const { name, argument } = functionOf(value) ?? {};
  if (name === 'Ref') return void found.refs.add(String(argument));
  if (name === 'Fn::GetAtt') return void found.resources.add(attributeOf(argument)[0]);
  if (name === 'Fn::If' && Array.isArray(argument)) found.conditions.add(String(argument[0]));
  if (name === 'Fn::Sub') {
    const [text, given] = Array.isArray(argument) ? argument : [argument, {}];
    replaceNames(String(text), (each) => {
      if (isFields(given) && Object.hasOwn(given, each)) return '';
      const [resource = '', attribute] = each.split(/\.(.*)/, 2);
      if (attribute === undefined) found.refs.add(each);
      else found.resources.add(resource);
      return '';
    });
    collect(given, found);
    return;
  }
  collect(name === undefined ? Object.values(value) : argument, found);
}
