import { putInlinePolicy, removeInlinePolicy } from './inline-policies.ts';
import { nameFor, readProperties } from './read-properties.ts';
import { ResourceFailure, type ResourceRequest, type ResourceType } from './resource-type.ts';

/** AWS::IAM::Policy, of roles: an inline policy in each of them. */
export const policy: ResourceType = {
  create: async (request) => {
    put(request);
    return { physicalId: nameFor(request, 128), attributes: {} };
  },
  update: async (request, { properties, made }) => {
    const [before, after] = [read(request, properties), read(request)];
    put(request);
    for (const roleName of before.roles) {
      if (before.name !== after.name || !after.roles.includes(roleName)) {
        removeInlinePolicy(request, roleName, before.name);
      }
    }
    return made;
  },
  delete: async (request) => {
    const { name, roles } = read(request);
    for (const roleName of roles) removeInlinePolicy(request, roleName, name);
  },
};

function put(request: ResourceRequest): void {
  const { name, document, roles } = read(request);
  if (roles.length === 0) {
    throw new ResourceFailure('At least one of [Groups,Roles,Users] must be non-empty.');
  }
  for (const roleName of roles) putInlinePolicy(request, roleName, name, document);
}

function read(request: ResourceRequest, source = request.properties) {
  const properties = readProperties(request, source, ['PolicyDocument', 'PolicyName', 'Roles']);
  return {
    name: properties.text('PolicyName'),
    document: properties.fields('PolicyDocument'),
    roles: properties.texts('Roles'),
  };
}
