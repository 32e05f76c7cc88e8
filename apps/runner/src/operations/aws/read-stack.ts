import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { AwsStackSchema } from '@planton/api/runner/v1/operation';
import { formatArn, parseArn, type RoleArn, readAwsFailure } from '@planton/aws';
import type { TellStep } from '../operation-kind.ts';
import type { AwsKey } from './aws-identity.ts';
import { type AwsCall, assumeRole, notAws, type RoleRequest, signalOf } from './call-aws.ts';
import { explainCall } from './explain-failure.ts';
import { valuesOf } from './resolve-key.ts';

/** The status of a stack, or why it could not be read. */
export type StackFound =
  | { readonly stack: MessageInitShape<typeof AwsStackSchema> }
  | { readonly observation: string };

/** A stack that may be asked for: neither its name nor its ARN can widen the policy that allows to read it. */
export interface StackName {
  /** As CloudFormation is asked. */
  readonly name: string;
  /** ARN of the stack, with a `*` for the id where that is not known. */
  readonly arn: string;
}

const NAME = /^[A-Za-z][A-Za-z0-9-]{0,127}$/;
const RESOURCE = /^stack\/([A-Za-z][A-Za-z0-9-]{0,127})\/[A-Za-z0-9-]{1,64}$/;

/** A stack by its name or ARN, in the account of the role and the region; undefined for anything else. */
export function parseStack(
  text: string,
  { partition, accountId }: Pick<RoleArn, 'partition' | 'accountId'>,
  region: string,
): StackName | undefined {
  const place = { partition, service: 'cloudformation', region, accountId };
  if (NAME.test(text)) return { name: text, arn: formatArn({ ...place, resource: `stack/${text}/*` }) };
  const arn = parseArn(text);
  if (!arn.ok || !RESOURCE.test(arn.value.resource)) return undefined;
  return formatArn({ ...place, resource: arn.value.resource }) === text
    ? { name: text, arn: text }
    : undefined;
}

/** Reads the status of a stack in a session of the role that may do nothing else, telling the step. */
export async function readStack(
  call: AwsCall,
  own: AwsKey,
  request: RoleRequest,
  stack: StackName,
  step: TellStep,
): Promise<StackFound> {
  const name = `reading the status of stack ${stack.name}`;
  const secrets = [...valuesOf(own), request.externalId];
  step(name, 'RUNNING');
  try {
    const sessionPolicy = JSON.stringify({
      Version: '2012-10-17',
      Statement: [{ Effect: 'Allow', Action: 'cloudformation:DescribeStacks', Resource: stack.arn }],
    });
    const { key } = await assumeRole(call, own, { ...request, sessionPolicy });
    secrets.push(...valuesOf(key));
    const { Stacks = [] } = await call.aws
      .cloudFormation(call.region, key)
      .send(new DescribeStacksCommand({ StackName: stack.name }), { abortSignal: signalOf(call) });
    const [found] = Stacks;
    if (!found?.StackId || !found.StackStatus) throw notAws();
    step(name, 'PASSED', found.StackStatus);
    const { StackId: id, StackStatus: status, StackStatusReason: statusReason = '' } = found;
    return { stack: { id, status, statusReason } };
  } catch (error) {
    const observation = isAbsent(error)
      ? `stack ${stack.name} does not exist in ${call.region}`
      : `the status of stack ${stack.name} could not be read: ${explainCall(error, 'role', call.region, secrets).observation}`;
    step(name, 'FAILED', observation);
    return { observation };
  }
}

function isAbsent(error: unknown): boolean {
  const { name, message = '' } = readAwsFailure(error);
  return name === 'ValidationError' && /does not exist/.test(message);
}
