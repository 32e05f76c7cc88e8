import { entityAlreadyExists } from '../../errors/aws-error.ts';
import { arnOfRoleNamed, putInlinePolicy, removeInlinePolicy } from './inline-policies.ts';
import { readProperties } from './read-properties.ts';
import type { Made, ResourceRequest, ResourceType } from './resource-type.ts';

/** AWS::IAM::RolePolicy */
export const rolePolicy: ResourceType = {
  create: async (request) => make(request),
  update: async (request, { properties }) => {
    const [before, after] = [read(request, properties), read(request)];
    if (before.policyName !== after.policyName || before.roleName !== after.roleName) return make(request);
    putInlinePolicy(request, after.roleName, after.policyName, after.document);
    return describe(after);
  },
  delete: async (request) => {
    const { roleName, policyName } = read(request);
    removeInlinePolicy(request, roleName, policyName);
  },
};

function make(request: ResourceRequest): Made {
  const policy = read(request);
  const current = request.world.iam.currentRole(arnOfRoleNamed(request, policy.roleName));
  if (Object.hasOwn(current?.definition.policies ?? {}, policy.policyName)) {
    throw entityAlreadyExists('Policy', policy.policyName);
  }
  putInlinePolicy(request, policy.roleName, policy.policyName, policy.document);
  return describe(policy);
}

function describe({ policyName, roleName }: ReturnType<typeof read>): Made {
  return { physicalId: `${policyName}|${roleName}`, attributes: {} };
}

function read(request: ResourceRequest, source = request.properties) {
  const properties = readProperties(request, source, ['PolicyDocument', 'PolicyName', 'RoleName']);
  return {
    roleName: properties.text('RoleName'),
    policyName: properties.text('PolicyName'),
    document: properties.fields('PolicyDocument'),
  };
}
