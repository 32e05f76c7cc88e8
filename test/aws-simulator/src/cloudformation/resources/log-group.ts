import { nameFor, readProperties } from './read-properties.ts';
import { type Made, ResourceFailure, type ResourceRequest, type ResourceType } from './resource-type.ts';

const RETENTIONS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
];

/** AWS::Logs::LogGroup. Nothing is ever written to it. */
export const logGroup: ResourceType = {
  create: async (request) => make(request),
  update: async (request, { properties, made }) =>
    read(request).name === read(request, properties).name ? made : make(request),
  delete: async ({ world, stack }, { physicalId }) => void world.logGroups.delete(keyOf(stack, physicalId)),
};

function make(request: ResourceRequest): Made {
  const { world, stack } = request;
  const { name = nameFor(request, 512) } = read(request);
  const key = keyOf(stack, name);
  if (world.logGroups.has(key)) throw new ResourceFailure(`${name} already exists`);
  world.logGroups.add(key);
  return { physicalId: name, attributes: { Arn: `${key}:*` } };
}

function keyOf({ partition, region, accountId }: ResourceRequest['stack'], name: string): string {
  return `arn:${partition}:logs:${region}:${accountId}:log-group:${name}`;
}

function read(request: ResourceRequest, source = request.properties) {
  const properties = readProperties(request, source, ['LogGroupName', 'RetentionInDays', 'Tags']);
  const retention = properties.optionalNumber('RetentionInDays');
  if (retention !== undefined && !RETENTIONS.includes(retention)) {
    throw new ResourceFailure(
      `Properties validation failed for resource ${request.logicalId} with message: #/RetentionInDays: ${retention} is not a valid enum value`,
    );
  }
  properties.tags('Tags');
  return { name: properties.optionalText('LogGroupName') };
}
