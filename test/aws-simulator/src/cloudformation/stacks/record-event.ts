import type { ResourceState, StackState, StackStatus } from './stack.ts';

/** Puts the stack into a status and says so in its events. */
export function recordStatus(state: StackState, status: StackStatus, now: Date, reason?: string): void {
  state.status = status;
  state.statusReason = reason;
  state.events.push({
    time: now,
    logicalId: state.name,
    type: 'AWS::CloudFormation::Stack',
    physicalId: state.stackId,
    status,
    ...(reason !== undefined && { reason }),
  });
}

/** Puts a resource of the stack into the status that it has now and says so in the stack's events. */
export function recordResource(state: StackState, resource: ResourceState, now: Date): void {
  state.resources.set(resource.logicalId, resource);
  const { logicalId, type, made, status, statusReason: reason } = resource;
  state.events.push({
    time: now,
    logicalId,
    type,
    ...(made !== undefined && { physicalId: made.physicalId }),
    status,
    ...(reason !== undefined && { reason }),
  });
}
