import { validationError } from '../../errors/aws-error.ts';
import { findReferences } from './find-references.ts';
import type { ResourceDefinition } from './template.ts';

/**
 * Logical ids so that each resource comes after all that it depends on; otherwise in the order of the template.
 *
 * @throws AwsError `ValidationError` where they depend on each other in a circle
 */
export function orderResources(resources: ReadonlyMap<string, ResourceDefinition>): readonly string[] {
  const ordered = new Set<string>();
  const underWay = new Set<string>();
  const visit = (logicalId: string, resource: ResourceDefinition): void => {
    if (ordered.has(logicalId)) return;
    if (underWay.has(logicalId)) {
      throw validationError(`Circular dependency between resources: [${[...underWay].join(', ')}]`);
    }
    underWay.add(logicalId);
    const { refs, resources: owners } = findReferences(resource.properties);
    for (const name of [...resource.dependsOn, ...refs, ...owners]) {
      const dependency = resources.get(name);
      if (dependency !== undefined) visit(name, dependency);
    }
    underWay.delete(logicalId);
    ordered.add(logicalId);
  };
  for (const [logicalId, resource] of resources) visit(logicalId, resource);
  return [...ordered];
}
