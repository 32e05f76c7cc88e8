import type { Stack, StackState } from './stack.ts';

export function describeStack(state: StackState): Stack {
  const { template, statusReason, updateTime, deleteTime } = state;
  const { description } = template;
  return {
    stackId: state.stackId,
    name: state.name,
    accountId: state.accountId,
    partition: state.partition,
    region: state.region,
    ...(description !== undefined && { description }),
    status: state.status,
    ...(statusReason !== undefined && { statusReason }),
    parameters: Object.fromEntries(
      Array.from(state.parameters, ([name, value]) => [
        name,
        template.parameters.get(name)?.noEcho ? '****' : value,
      ]),
    ),
    capabilities: state.capabilities,
    outputs: state.outputs,
    resources: Array.from(state.resources.values(), ({ logicalId, type, made, ...resource }) => ({
      logicalId,
      type,
      ...(made !== undefined && { physicalId: made.physicalId }),
      status: resource.status,
      ...(resource.statusReason !== undefined && { statusReason: resource.statusReason }),
    })),
    events: [...state.events],
    createTime: state.createTime,
    ...(updateTime !== undefined && { updateTime }),
    ...(deleteTime !== undefined && { deleteTime }),
  };
}
