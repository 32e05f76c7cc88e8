import { customResource } from './custom-resource.ts';
import { lambdaFunction } from './function.ts';
import { logGroup } from './log-group.ts';
import { managedPolicy } from './managed-policy.ts';
import { policy } from './policy.ts';
import type { ResourceType } from './resource-type.ts';
import { role } from './role.ts';
import { rolePolicy } from './role-policy.ts';

const BY_NAME: ReadonlyMap<string, ResourceType> = new Map([
  ['AWS::CloudFormation::CustomResource', customResource],
  ['AWS::IAM::ManagedPolicy', managedPolicy],
  ['AWS::IAM::Policy', policy],
  ['AWS::IAM::Role', role],
  ['AWS::IAM::RolePolicy', rolePolicy],
  ['AWS::Lambda::Function', lambdaFunction],
  ['AWS::Logs::LogGroup', logGroup],
]);

export const RESOURCE_TYPES = {
  /** Undefined for a type that this simulator does not know. */
  find: (type: string): ResourceType | undefined =>
    /^Custom::[\w@-]{1,60}$/.test(type) ? customResource : BY_NAME.get(type),
};
