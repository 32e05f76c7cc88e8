import { arnOfRoleNamed } from './inline-policies.ts';
import { nameFor, readProperties } from './read-properties.ts';
import type { Made, ResourceRequest, ResourceType } from './resource-type.ts';

/** AWS::IAM::ManagedPolicy, attached to roles. */
export const managedPolicy: ResourceType = {
  create: async (request) => make(request),
  update: async (request, { properties, made }) => {
    const [before, after] = [read(request, properties), read(request)];
    if (before.name !== after.name || before.path !== after.path) return make(request);
    const arn = made.physicalId;
    request.world.iam.changePolicy(arn, after.document);
    detach(
      request,
      arn,
      before.roles.filter((role) => !after.roles.includes(role)),
    );
    attach(
      request,
      arn,
      after.roles.filter((role) => !before.roles.includes(role)),
    );
    return made;
  },
  delete: async (request, { physicalId: arn }) => {
    const { iam } = request.world;
    detach(request, arn, read(request).roles);
    if (iam.findPolicy(arn) !== undefined) iam.deletePolicy(arn);
  },
};

function make(request: ResourceRequest): Made {
  const { name = nameFor(request, 128), path, document, roles } = read(request);
  const arn = request.world.iam.createPolicy(request.stack.accountId, {
    name,
    ...(path !== undefined && { path }),
    document,
  });
  try {
    attach(request, arn, roles);
  } catch (error) {
    detach(request, arn, roles);
    request.world.iam.deletePolicy(arn);
    throw error;
  }
  return { physicalId: arn, attributes: { PolicyArn: arn } };
}

function attach(request: ResourceRequest, arn: string, roles: readonly string[]): void {
  for (const name of roles) {
    request.world.iam.changeRole(arnOfRoleNamed(request, name), (role) => ({
      ...role,
      managedPolicyArns: [...(role.managedPolicyArns ?? []), arn],
    }));
  }
}

function detach({ world, stack }: ResourceRequest, arn: string, roles: readonly string[]): void {
  for (const name of roles) {
    const roleArn = world.iam.arnOfRole(stack.accountId, name);
    if (roleArn === undefined) continue;
    world.iam.changeRole(roleArn, (role) => ({
      ...role,
      managedPolicyArns: (role.managedPolicyArns ?? []).filter((each) => each !== arn),
    }));
  }
}

function read(request: ResourceRequest, source = request.properties) {
  const properties = readProperties(request, source, [
    'Description',
    'ManagedPolicyName',
    'Path',
    'PolicyDocument',
    'Roles',
  ]);
  return {
    name: properties.optionalText('ManagedPolicyName'),
    path: properties.optionalText('Path'),
    document: properties.fields('PolicyDocument'),
    roles: properties.texts('Roles'),
  };
}
