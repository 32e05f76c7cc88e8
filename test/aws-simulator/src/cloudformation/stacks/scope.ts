import { validationError } from '../../errors/aws-error.ts';
import { decideConditions } from '../templates/decide-conditions.ts';
import type { Scope } from '../templates/evaluate.ts';
import { pseudoParameters, type StackIdentity } from '../templates/pseudo-parameters.ts';
import type { Template } from '../templates/template.ts';
import type { ResourceState } from './stack.ts';

/** What the names in a stack's template stand for. */
export function scopeOf(
  stack: StackIdentity,
  template: Template,
  parameters: ReadonlyMap<string, string>,
  resources: ReadonlyMap<string, ResourceState>,
): Scope {
  const provided = pseudoParameters(stack);
  const refParameter = (name: string): unknown => {
    if (parameters.has(name)) return parameters.get(name);
    if (provided.has(name)) return provided.get(name);
    throw validationError(
      `Template format error: Unresolved dependencies [${name}]. Cannot reference resources in the Conditions block of the template`,
    );
  };
  const conditions = decideConditions(template.conditions, refParameter);
  const madeOf = (name: string) => {
    const made = resources.get(name)?.made;
    if (made === undefined) {
      throw validationError(
        `Template format error: Unresolved resource dependencies [${name}] in the Resources block of the template`,
      );
    }
    return made;
  };
  return {
    ref: (name) =>
      parameters.has(name) || provided.has(name) ? refParameter(name) : madeOf(name).physicalId,
    attribute: (resource, name) => {
      const { attributes } = madeOf(resource);
      if (Object.hasOwn(attributes, name)) return attributes[name];
      throw validationError(
        `Template error: resource ${resource} does not support attribute type ${name} in Fn::GetAtt`,
      );
    },
    condition: (name) => conditions.get(name) ?? false,
  };
}

/** Whether what carries the name of a condition is to be there. */
export function isWanted({ condition }: { readonly condition?: string }, scope: Scope): boolean {
  return condition === undefined || scope.condition(condition);
}
