import { AwsError } from '../../errors/aws-error.ts';
import { type Made, ResourceFailure, type ResourceWorld } from '../resources/resource-type.ts';
import { RESOURCE_TYPES } from '../resources/resource-types.ts';
import type { Fields } from '../templates/template.ts';
import { recordResource } from './record-event.ts';
import type { ResourceState, StackState } from './stack.ts';

/** What is needed to make, change and take down the resources of stacks. */
export interface StackWorld {
  readonly resources: ResourceWorld;
  readonly now: () => Date;
  readonly stopping: AbortSignal;
}

type Wanted = Pick<ResourceState, 'logicalId' | 'type' | 'retained' | 'properties'>;

/** @throws ResourceFailure, after the stack's events say so too; what may be there all the same is then among its resources */
export async function createResource(
  world: StackWorld,
  state: StackState,
  wanted: Wanted,
): Promise<ResourceState> {
  const record = recorder(world, state, wanted);
  record({ ...wanted, status: 'CREATE_IN_PROGRESS' });
  try {
    const made = await typeOf(wanted).create(requestOf(world, state, wanted));
    return record({ ...wanted, made, status: 'CREATE_COMPLETE' });
  } catch (error) {
    const failure = explain(error, world);
    record({
      ...wanted,
      ...(failure.physicalId !== undefined && { made: { physicalId: failure.physicalId, attributes: {} } }),
      status: 'CREATE_FAILED',
      statusReason: failure.message,
    });
    throw failure;
  }
}

/** @throws ResourceFailure, after the stack's events say so too */
export async function updateResource(
  world: StackWorld,
  state: StackState,
  wanted: Wanted,
  previous: { readonly properties: Fields; readonly made: Made },
): Promise<ResourceState> {
  const record = recorder(world, state, wanted);
  record({ ...wanted, made: previous.made, status: 'UPDATE_IN_PROGRESS' });
  try {
    const made = await typeOf(wanted).update(requestOf(world, state, wanted), previous);
    return record({ ...wanted, made, status: 'UPDATE_COMPLETE' });
  } catch (error) {
    const failure = explain(error, world);
    record({ ...wanted, made: previous.made, status: 'UPDATE_FAILED', statusReason: failure.message });
    throw failure;
  }
}

/** Takes down what was made, unless it is to stay; returns whether it is gone. */
export async function deleteResource(
  world: StackWorld,
  state: StackState,
  resource: ResourceState,
): Promise<boolean> {
  const { made } = resource;
  if (made === undefined || resource.retained || resource.status === 'DELETE_COMPLETE') return true;
  const record = recorder(world, state, resource);
  record({ ...resource, status: 'DELETE_IN_PROGRESS' });
  try {
    await typeOf(resource).delete(requestOf(world, state, resource), made);
    record({ ...resource, status: 'DELETE_COMPLETE' });
    return true;
  } catch (error) {
    record({ ...resource, status: 'DELETE_FAILED', statusReason: explain(error, world).message });
    return false;
  }
}

function recorder({ now }: StackWorld, state: StackState, { logicalId }: Wanted) {
  return (resource: ResourceState): ResourceState => {
    const { statusReason, ...others } = resource;
    const failed = resource.status.endsWith('_FAILED') && statusReason !== undefined;
    const recorded: ResourceState = { ...others, ...(failed && { statusReason }), logicalId };
    recordResource(state, recorded, now());
    return recorded;
  };
}

function typeOf({ type }: Wanted) {
  const found = RESOURCE_TYPES.find(type);
  if (found === undefined) throw new ResourceFailure(`${type} is not understood`);
  return found;
}

function requestOf(world: StackWorld, stack: StackState, { logicalId, type, properties }: Wanted) {
  return { world: world.resources, stack, logicalId, type, properties };
}

/** When the simulator stops, nothing failed: the work just ends. */
function explain(error: unknown, { stopping }: StackWorld): ResourceFailure {
  stopping.throwIfAborted();
  if (error instanceof ResourceFailure) return error;
  if (error instanceof AwsError) {
    return new ResourceFailure(
      `Resource handler returned message: "${error.message} (Service: Iam, Status Code: ${error.status}, Error Code: ${error.code})"`,
    );
  }
  return new ResourceFailure(error instanceof Error ? error.message : String(error));
}
