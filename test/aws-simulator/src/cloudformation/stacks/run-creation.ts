import { ResourceFailure } from '../resources/resource-type.ts';
import { evaluate } from '../templates/evaluate.ts';
import { orderResources } from '../templates/order-resources.ts';
import type { Fields } from '../templates/template.ts';
import { evaluateOutputs } from './evaluate-outputs.ts';
import { createResource, type StackWorld } from './handle-resource.ts';
import { recordStatus } from './record-event.ts';
import { takeDown } from './run-deletion.ts';
import { isWanted, scopeOf } from './scope.ts';
import type { StackState } from './stack.ts';

/** What goes wrong with a stack because a test wants it to. */
export interface StackFault {
  /** The logical id of the resource after which the stack fails. */
  readonly after: string;
  /** The stack stays as it is, with that resource made, until this is settled. */
  readonly until?: Promise<unknown>;
}

/** Makes a new stack, or fails and takes down all that was made. */
export async function runCreation(world: StackWorld, state: StackState, fault?: StackFault): Promise<void> {
  const { template, parameters } = state;
  const { now } = world;
  let current = '';
  try {
    const scope = scopeOf(state, template, parameters, state.resources);
    for (const logicalId of orderResources(template.resources)) {
      const definition = template.resources.get(logicalId);
      if (definition === undefined || !isWanted(definition, scope)) continue;
      current = logicalId;
      const { type, retained } = definition;
      const properties = evaluate(definition.properties, scope) as Fields;
      await createResource(world, state, { logicalId, type, retained, properties });
      if (fault?.after === logicalId) {
        await Promise.race([fault.until, aborted(world.stopping)]);
        throw new ResourceFailure(`The stack was told to fail after ${logicalId}`);
      }
    }
    state.outputs = evaluateOutputs(template, scope);
    recordStatus(state, 'CREATE_COMPLETE', now());
  } catch (error) {
    world.stopping.throwIfAborted();
    const reason =
      error instanceof ResourceFailure
        ? `The following resource(s) failed to create: [${current}]. Rollback requested by user.`
        : String(error instanceof Error ? error.message : error);
    recordStatus(state, 'ROLLBACK_IN_PROGRESS', now(), reason);
    const failed = await takeDown(world, state, [...state.resources.values()]);
    if (failed === undefined) recordStatus(state, 'ROLLBACK_COMPLETE', now());
    else recordStatus(state, 'ROLLBACK_FAILED', now(), failed);
  }
}

/** Rejects when the simulator stops. */
function aborted(stopping: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    stopping.addEventListener('abort', () => reject(stopping.reason), { once: true });
  });
}
