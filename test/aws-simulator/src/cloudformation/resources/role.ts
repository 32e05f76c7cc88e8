import { deleteConflict } from '../../errors/aws-error.ts';
import type { KnownRole, Role } from '../../identities/identity.ts';
import { isFields } from '../../policies/read-fields.ts';
import { nameFor, readProperties } from './read-properties.ts';
import { type Made, ResourceFailure, type ResourceRequest, type ResourceType } from './resource-type.ts';

const PROPERTIES = [
  'AssumeRolePolicyDocument',
  'Description',
  'ManagedPolicyArns',
  'MaxSessionDuration',
  'Path',
  'PermissionsBoundary',
  'Policies',
  'RoleName',
  'Tags',
];

/** AWS::IAM::Role */
export const role: ResourceType = {
  create: async (request) => make(request, readRole(request, request.properties)),
  update: async (request, { properties, made }) => {
    const { iam } = request.world;
    const [before, after] = [readRole(request, properties), readRole(request, request.properties)];
    if (before.name !== after.name || before.path !== after.path) return make(request, after);
    const changed = iam.changeRole(arnOf(request, made), (current) => ({
      ...after,
      name: current.name,
      policies: { ...without(current.policies, before.policies), ...after.policies },
      managedPolicyArns: [
        ...(current.managedPolicyArns ?? []).filter((arn) => !before.managedPolicyArns?.includes(arn)),
        ...(after.managedPolicyArns ?? []),
      ],
    }));
    return describe(changed);
  },
  delete: async (request, made) => {
    const { iam } = request.world;
    const arn = arnOf(request, made);
    const current = iam.currentRole(arn)?.definition;
    const own = readRole(request, request.properties);
    if (Object.keys(without(current?.policies, own.policies)).length > 0) {
      throw deleteConflict('Cannot delete entity, must delete policies first.');
    }
    if (current?.managedPolicyArns?.some((each) => !own.managedPolicyArns?.includes(each))) {
      throw deleteConflict('Cannot delete entity, must detach all policies first.');
    }
    if (current !== undefined) iam.deleteRole(arn);
  },
};

function make(request: ResourceRequest, definition: Omit<Role, 'name'> & { readonly name?: string }): Made {
  const { name = nameFor(request, 64) } = definition;
  return describe(request.world.iam.createRole(request.stack.accountId, { ...definition, name }));
}

function describe({ name, arn, roleId }: KnownRole): Made {
  return { physicalId: name, attributes: { Arn: arn, RoleId: roleId } };
}

/** Also of a role that is no longer there. */
function arnOf({ world, stack }: ResourceRequest, { physicalId, attributes }: Made): string {
  return world.iam.arnOfRole(stack.accountId, physicalId) ?? String(attributes.Arn);
}

function readRole(
  request: ResourceRequest,
  source: ResourceRequest['properties'],
): Omit<Role, 'name'> & { readonly name?: string } {
  const properties = readProperties(request, source, PROPERTIES);
  const optional = {
    name: properties.optionalText('RoleName'),
    path: properties.optionalText('Path'),
    maxSessionDuration: properties.optionalNumber('MaxSessionDuration'),
    permissionsBoundaryArn: properties.optionalText('PermissionsBoundary'),
  };
  const policies = properties.list('Policies').map(({ PolicyName: name, PolicyDocument: document }) => {
    if (typeof name !== 'string' || !isFields(document)) {
      throw new ResourceFailure(
        `Properties validation failed for resource ${request.logicalId} with message: #/Policies: a policy has a PolicyName and a PolicyDocument`,
      );
    }
    return [name, document] as const;
  });
  return {
    ...(optional.name !== undefined && { name: optional.name }),
    ...(optional.path !== undefined && { path: optional.path }),
    ...(optional.maxSessionDuration !== undefined && { maxSessionDuration: optional.maxSessionDuration }),
    ...(optional.permissionsBoundaryArn !== undefined && {
      permissionsBoundaryArn: optional.permissionsBoundaryArn,
    }),
    trustPolicy: properties.fields('AssumeRolePolicyDocument'),
    policies: Object.fromEntries(policies),
    managedPolicyArns: properties.texts('ManagedPolicyArns'),
    tags: properties.tags('Tags'),
  };
}

function without(all: Role['policies'] = {}, some: Role['policies'] = {}): NonNullable<Role['policies']> {
  return Object.fromEntries(Object.entries(all).filter(([name]) => !Object.hasOwn(some, name)));
}
