import type { Template } from './template.ts';

/** The property with which a type takes a name of the template's choice. */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['AWS::IAM::ManagedPolicy', 'ManagedPolicyName'],
  ['AWS::IAM::Policy', ''],
  ['AWS::IAM::Role', 'RoleName'],
  ['AWS::IAM::RolePolicy', ''],
]);

/** What whoever makes a stack of the template has to acknowledge. */
export function requiredCapabilities({ resources }: Template): readonly string[] {
  const iam = [...resources.values()].filter(({ type }) => NAMES.has(type));
  if (iam.length === 0) return [];
  const named = iam.some(({ type, properties }) => Object.hasOwn(properties, NAMES.get(type) ?? ''));
  return [named ? 'CAPABILITY_NAMED_IAM' : 'CAPABILITY_IAM'];
}
