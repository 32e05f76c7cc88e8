import type { PartitionId } from '../partitions/partition.ts';
import type { PolicyDocument } from './policy-document.ts';

/** What stands for itself in the source of a policy until it is known where the policy will be. */
const PSEUDO_PARAMETER = /\$\{AWS::(\w+)\}/g;

/** A string of the template: as it is, or for CloudFormation to put its pseudo parameters into. */
export type TemplateText = string | { readonly 'Fn::Sub': string };

/** A policy as the template holds it. */
export function substitutable(policy: PolicyDocument): PolicyDocument<TemplateText> {
  return mapStrings(policy, (text) =>
    /\$\{AWS::/.test(text) ? { 'Fn::Sub': text } : text,
  ) as PolicyDocument<TemplateText>;
}

export interface Place {
  readonly partition: PartitionId;
  readonly accountId: string;
  readonly region?: string;
  readonly stackName?: string;
}

/** The same policy as CloudFormation makes it in one place. @throws Error for a pseudo parameter that the place does not tell */
export function substitute(policy: PolicyDocument, place: Place): PolicyDocument {
  const values: Readonly<Record<string, string | undefined>> = {
    Partition: place.partition,
    AccountId: place.accountId,
    Region: place.region,
    StackName: place.stackName,
  };
  return mapStrings(policy, (text) =>
    text.replace(PSEUDO_PARAMETER, (whole, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`the place of the policy has no value for ${whole}`);
      return value;
    }),
  ) as PolicyDocument;
}

function mapStrings(value: unknown, map: (text: string) => unknown): unknown {
  if (typeof value === 'string') return map(value);
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, map)]));
}
