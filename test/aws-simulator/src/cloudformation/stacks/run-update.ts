import { isDeepStrictEqual } from 'node:util';
import { ResourceFailure } from '../resources/resource-type.ts';
import { evaluate, type Scope } from '../templates/evaluate.ts';
import { orderResources } from '../templates/order-resources.ts';
import type { Fields, Template } from '../templates/template.ts';
import { evaluateOutputs } from './evaluate-outputs.ts';
import { createResource, type StackWorld, updateResource } from './handle-resource.ts';
import { recordStatus } from './record-event.ts';
import { takeDown } from './run-deletion.ts';
import { isWanted, scopeOf } from './scope.ts';
import type { ResourceState, StackState } from './stack.ts';

/** What a stack is to become. */
export interface StackChange {
  readonly template: Template;
  readonly parameters: ReadonlyMap<string, string>;
}

/** Changes a stack, or fails and puts everything back that was changed. */
export async function runUpdate(world: StackWorld, state: StackState, change: StackChange): Promise<void> {
  const { now, stopping } = world;
  const before = { ...state, resources: new Map(state.resources) };
  /** What the update put in the place of nothing or of something else, in order. */
  const made: ResourceState[] = [];
  let current = '';
  try {
    const scope = scopeOf(state, change.template, change.parameters, state.resources);
    for (const logicalId of orderResources(change.template.resources)) {
      current = logicalId;
      const resource = await applyResource(world, state, change.template, scope, logicalId);
      const old = before.resources.get(logicalId);
      if (resource !== undefined && resource.made?.physicalId !== old?.made?.physicalId) made.push(resource);
    }
    state.outputs = evaluateOutputs(change.template, scope);
    const kept = (logicalId: string) => {
      const definition = change.template.resources.get(logicalId);
      return definition !== undefined && isWanted(definition, scope);
    };
    Object.assign(state, change);
    recordStatus(state, 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS', now());
    const leftovers = [...before.resources.values()].filter(
      (old) => !kept(old.logicalId) || made.some(({ logicalId }) => logicalId === old.logicalId),
    );
    await cleanUp(world, state, leftovers, (logicalId) => kept(logicalId));
    recordStatus(state, 'UPDATE_COMPLETE', now());
  } catch (error) {
    stopping.throwIfAborted();
    const reason =
      error instanceof ResourceFailure
        ? `The following resource(s) failed to update: [${current}].`
        : String(error instanceof Error ? error.message : error);
    recordStatus(state, 'UPDATE_ROLLBACK_IN_PROGRESS', now(), reason);
    await rollBack(world, state, before, made);
  }
}

/** Returns the resource as it then is; undefined for one that the template does not want. */
async function applyResource(
  world: StackWorld,
  state: StackState,
  template: Template,
  scope: Scope,
  logicalId: string,
): Promise<ResourceState | undefined> {
  const definition = template.resources.get(logicalId);
  if (definition === undefined || !isWanted(definition, scope)) return undefined;
  const { type, retained } = definition;
  const properties = evaluate(definition.properties, scope) as Fields;
  const wanted = { logicalId, type, retained, properties };
  const existing = state.resources.get(logicalId);
  const made = existing?.made;
  if (existing === undefined || made === undefined || existing.type !== type) {
    return createResource(world, state, wanted);
  }
  if (isDeepStrictEqual(existing.properties, properties)) {
    const same: ResourceState = { ...wanted, made, status: existing.status };
    state.resources.set(logicalId, same);
    return same;
  }
  return updateResource(world, state, wanted, { properties: existing.properties, made });
}

/** Takes down what was replaced or is no longer wanted; what fails is left, as CloudFormation leaves it. */
async function cleanUp(
  world: StackWorld,
  state: StackState,
  leftovers: readonly ResourceState[],
  stays: (logicalId: string) => boolean,
): Promise<void> {
  for (const old of leftovers.toReversed()) {
    const current = state.resources.get(old.logicalId);
    await takeDown(world, state, [old]);
    if (stays(old.logicalId) && current !== undefined) state.resources.set(old.logicalId, current);
    else state.resources.delete(old.logicalId);
  }
}

/** Changes back what was changed in its place, brings back what was replaced, and takes down what was made. */
async function rollBack(
  world: StackWorld,
  state: StackState,
  before: StackState,
  made: readonly ResourceState[],
): Promise<void> {
  const failed = [...state.resources.values()].filter(
    (resource) => resource.status === 'CREATE_FAILED' && !before.resources.has(resource.logicalId),
  );
  for (const [logicalId, old] of before.resources) {
    const current = state.resources.get(logicalId);
    const replaced = made.some((each) => each.logicalId === logicalId);
    const touched = current?.status === 'UPDATE_COMPLETE' || current?.status === 'UPDATE_FAILED';
    const changed = touched && !isDeepStrictEqual(current?.properties, old.properties);
    if (replaced || !changed || current?.made === undefined || old.made === undefined) continue;
    try {
      const previous = { properties: current.properties, made: current.made };
      before.resources.set(logicalId, await updateResource(world, state, old, previous));
    } catch (error) {
      if (!(error instanceof ResourceFailure)) throw error;
      const reason = `The following resource(s) failed to update: [${logicalId}].`;
      return recordStatus(state, 'UPDATE_ROLLBACK_FAILED', world.now(), reason);
    }
  }
  recordStatus(state, 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS', world.now());
  await cleanUp(world, state, [...made, ...failed], (logicalId) => before.resources.has(logicalId));
  const { template, parameters, outputs, resources } = before;
  Object.assign(state, { template, parameters, outputs, resources });
  recordStatus(state, 'UPDATE_ROLLBACK_COMPLETE', world.now());
}
