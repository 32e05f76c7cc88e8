import { AwsError, constraintViolation, validationError } from '../errors/aws-error.ts';
import type { Action, Call } from '../server/service.ts';
import type { XmlElements } from '../xml/write-xml.ts';
import type { Stack } from './stacks/stack.ts';

const ACTION = 'cloudformation:DescribeStacks';

/** Of one stack, by its name or, deleted ones too, by its id; without either of all in the region. */
export const describeStacks: Action = (call) => {
  const { caller, region, parameters, stacks, authorize } = call;
  const asked = parameters.get('StackName');
  const prefix = `arn:${caller.partition}:cloudformation:${region}:${caller.accountId}:stack/`;
  if (asked === undefined) {
    authorize(ACTION, '*');
    const all = stacks
      .list()
      .filter(({ stackId, status }) => stackId.startsWith(prefix) && status !== 'DELETE_COMPLETE');
    return { Stacks: all.toReversed().map(writeStack) };
  }
  const isArn = asked.startsWith('arn:');
  if (!isArn && !/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/.test(asked)) {
    throw constraintViolation(
      'stackName',
      'Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*|arn:[-a-zA-Z0-9:/._+]*',
    );
  }
  if (
    isArn &&
    !/^arn:[-a-zA-Z0-9]+:cloudformation:[a-z0-9-]+:[0-9]{12}:stack\/[-a-zA-Z0-9]+\/[-a-zA-Z0-9]+$/.test(asked)
  ) {
    throw validationError('Stack name or id is not a valid one');
  }
  const found = find(call, asked, prefix);
  // Asked by its name, a stack is any of that name.
  authorize(ACTION, isArn ? asked : `${prefix}${asked}/*`);
  if (found === undefined)
    throw new AwsError(400, 'ValidationError', `Stack with id ${asked} does not exist`);
  return { Stacks: [writeStack(found)] };
};

function find({ stacks }: Call, asked: string, prefix: string): Stack | undefined {
  if (!asked.startsWith('arn:')) {
    return stacks
      .list()
      .find(
        ({ stackId, name, status }) =>
          stackId.startsWith(prefix) && name === asked && status !== 'DELETE_COMPLETE',
      );
  }
  // Another region does not know the stack.
  return asked.startsWith(prefix) ? stacks.find(asked) : undefined;
}

function writeStack(stack: Stack): XmlElements {
  const { description, statusReason, updateTime, deleteTime } = stack;
  return {
    StackId: stack.stackId,
    StackName: stack.name,
    ...(description !== undefined && { Description: description }),
    Parameters: Object.entries(stack.parameters).map(([name, value]) => ({
      ParameterKey: name,
      ParameterValue: value,
    })),
    CreationTime: stack.createTime.toISOString(),
    ...(updateTime !== undefined && { LastUpdatedTime: updateTime.toISOString() }),
    ...(deleteTime !== undefined && { DeletionTime: deleteTime.toISOString() }),
    DisableRollback: 'false',
    StackStatus: stack.status,
    ...(statusReason !== undefined && { StackStatusReason: statusReason }),
    NotificationARNs: [],
    Capabilities: stack.capabilities,
    Outputs: Object.entries(stack.outputs).map(([name, value]) => ({ OutputKey: name, OutputValue: value })),
    Tags: [],
    EnableTerminationProtection: 'false',
    DriftInformation: { StackDriftStatus: 'NOT_CHECKED' },
  };
}
