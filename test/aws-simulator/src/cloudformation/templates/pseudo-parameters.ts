import { findPartition, type PartitionId } from '@planton/aws';
import { NO_VALUE } from './evaluate.ts';

/** Where and as what a stack is made. */
export interface StackIdentity {
  readonly stackId: string;
  readonly name: string;
  readonly accountId: string;
  readonly partition: PartitionId;
  readonly region: string;
}

/** What CloudFormation itself provides to every template. */
export function pseudoParameters(stack: StackIdentity): ReadonlyMap<string, unknown> {
  return new Map<string, unknown>([
    ['AWS::AccountId', stack.accountId],
    ['AWS::NotificationARNs', []],
    ['AWS::NoValue', NO_VALUE],
    ['AWS::Partition', stack.partition],
    ['AWS::Region', stack.region],
    ['AWS::StackId', stack.stackId],
    ['AWS::StackName', stack.name],
    ['AWS::URLSuffix', findPartition(stack.partition)?.dnsSuffix ?? 'amazonaws.com'],
  ]);
}

export const PSEUDO_PARAMETERS: ReadonlySet<string> = new Set([
  'AWS::AccountId',
  'AWS::NotificationARNs',
  'AWS::NoValue',
  'AWS::Partition',
  'AWS::Region',
  'AWS::StackId',
  'AWS::StackName',
  'AWS::URLSuffix',
]);
