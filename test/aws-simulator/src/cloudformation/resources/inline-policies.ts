import { noSuchEntity } from '../../errors/aws-error.ts';
import type { PolicyDocument } from '../../policies/identity-policy.ts';
import type { ResourceRequest } from './resource-type.ts';

/** @throws AwsError `NoSuchEntity` */
export function arnOfRoleNamed({ world, stack }: ResourceRequest, name: string): string {
  const arn = world.iam.arnOfRole(stack.accountId, name);
  if (arn === undefined) throw noSuchEntity(`The role with name ${name} cannot be found.`);
  return arn;
}

export function putInlinePolicy(
  request: ResourceRequest,
  roleName: string,
  name: string,
  document: PolicyDocument,
): void {
  request.world.iam.changeRole(arnOfRoleNamed(request, roleName), (role) => ({
    ...role,
    policies: { ...role.policies, [name]: document },
  }));
}

/** Does nothing where the role or the policy is gone. */
export function removeInlinePolicy({ world, stack }: ResourceRequest, roleName: string, name: string): void {
  const arn = world.iam.arnOfRole(stack.accountId, roleName);
  if (arn === undefined) return;
  world.iam.changeRole(arn, (role) => {
    const { [name]: _, ...policies } = role.policies ?? {};
    return { ...role, policies };
  });
}
