import { validationError } from '../../errors/aws-error.ts';
import { findReferences, type References } from './find-references.ts';
import { orderResources } from './order-resources.ts';
import { PSEUDO_PARAMETERS } from './pseudo-parameters.ts';
import type { Template } from './template.ts';

/**
 * Whether all that a template speaks of is in it, in branches too that will not be taken.
 *
 * @throws AwsError `ValidationError`
 */
export function checkReferences(template: Template): void {
  const { parameters, resources, outputs } = template;
  const check = ({ refs, resources: owners, conditions: asked }: References, block: string): void => {
    const known = (name: string) =>
      parameters.has(name) || PSEUDO_PARAMETERS.has(name) || resources.has(name);
    const unresolved = [...refs].filter((name) => !known(name));
    if (unresolved.length > 0) {
      throw validationError(
        `Template format error: Unresolved resource dependencies [${unresolved.join(', ')}] in the ${block} block of the template`,
      );
    }
    const owner = [...owners].find((name) => !resources.has(name));
    if (owner !== undefined) {
      throw validationError(`Template error: instance of Fn::GetAtt references undefined resource ${owner}`);
    }
    for (const name of asked) demandCondition(template, name);
  };
  for (const [logicalId, { properties, condition, dependsOn }] of resources) {
    check(findReferences(properties), 'Resources');
    if (condition !== undefined) demandCondition(template, condition);
    const missing = dependsOn.find((name) => !resources.has(name));
    if (missing !== undefined) {
      throw validationError(
        `Template format error: Unresolved resource dependencies [${missing}] in the Resources block of the template (DependsOn of ${logicalId})`,
      );
    }
  }
  for (const { value, condition } of outputs.values()) {
    check(findReferences(value), 'Outputs');
    if (condition !== undefined) demandCondition(template, condition);
  }
  orderResources(resources);
}

function demandCondition({ conditions }: Template, name: string): void {
  if (!conditions.has(name)) {
    throw validationError(`Template format error: Unrecognized condition ${name} is referenced`);
  }
}
