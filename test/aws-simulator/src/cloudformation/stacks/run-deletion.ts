import { deleteResource, type StackWorld } from './handle-resource.ts';
import { recordStatus } from './record-event.ts';
import type { ResourceState, StackState } from './stack.ts';

/** Takes down a stack; what it keeps when something fails can be deleted by another try. */
export async function runDeletion(world: StackWorld, state: StackState): Promise<void> {
  const failed = await takeDown(world, state, [...state.resources.values()]);
  if (failed !== undefined) return recordStatus(state, 'DELETE_FAILED', world.now(), failed);
  state.deleteTime = world.now();
  recordStatus(state, 'DELETE_COMPLETE', world.now());
}

/**
 * Deletes resources, the last one first, up to the first that fails: what comes before it may be what it depends on. Returns why it
 * did not end, if so.
 */
export async function takeDown(
  world: StackWorld,
  state: StackState,
  resources: readonly ResourceState[],
): Promise<string | undefined> {
  for (const resource of resources.toReversed()) {
    if (!(await deleteResource(world, state, resource))) {
      return `The following resource(s) failed to delete: [${resource.logicalId}].`;
    }
  }
  return undefined;
}
