import { randomUUID } from 'node:crypto';
import type { PartitionId } from '@planton/aws';
import { AwsError, validationError } from '../../errors/aws-error.ts';
import { checkParameters } from '../templates/check-parameters.ts';
import { parseTemplate } from '../templates/parse-template.ts';
import { requiredCapabilities } from '../templates/required-capabilities.ts';
import { describeStack } from './describe-stack.ts';
import type { StackWorld } from './handle-resource.ts';
import { recordStatus } from './record-event.ts';
import { runCreation, type StackFault } from './run-creation.ts';
import { runDeletion } from './run-deletion.ts';
import { runUpdate } from './run-update.ts';
import { scopeOf } from './scope.ts';
import type { Stack, StackState } from './stack.ts';

export interface NewStack {
  readonly accountId: string;
  readonly partition: PartitionId;
  readonly region: string;
  readonly name: string;
  /** YAML or JSON. */
  readonly template: string;
  readonly parameters: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
}

/** The stacks of all accounts and regions. What is refused is an AwsError; what goes wrong later on is told by a stack's status. */
export interface Stacks {
  /** Returns as soon as the stack is accepted. */
  create(stack: NewStack): Stack;
  /** Values that are not given stay, and so does the template. */
  update(stackId: string, parameters: Readonly<Record<string, string>>, template?: string): Stack;
  delete(stackId: string): Stack;
  /** Also one that was deleted, by its id. */
  find(stackId: string): Stack | undefined;
  list(): readonly Stack[];
  /** Resolves with the stack when nothing is under way any more. */
  settled(stackId: string): Promise<Stack>;
  failNext(fault: StackFault): void;
  heal(): void;
}

export function keepStacks(world: StackWorld): Stacks {
  const { now } = world;
  const states = new Map<string, StackState>();
  const work = new Map<string, Promise<void>>();
  let faults: readonly StackFault[] = [];

  const begin = (state: StackState, run: () => Promise<void>): Stack => {
    const accepted = describeStack(state);
    const running = new Promise((resolve) => setImmediate(resolve)).then(run);
    work.set(state.stackId, running);
    // Whoever waits for it is told; nobody has to.
    running.catch(() => {});
    return accepted;
  };
  const demand = (stackId: string, verb: string): StackState => {
    const state = states.get(stackId);
    if (state === undefined || state.status === 'DELETE_COMPLETE') {
      throw validationError(`Stack [${stackId}] does not exist`);
    }
    const isFree =
      !state.status.endsWith('_IN_PROGRESS') &&
      (verb === 'deleted' || !/^(ROLLBACK|DELETE|UPDATE_ROLLBACK_FAILED)/.test(state.status));
    if (!isFree) {
      throw validationError(`Stack:${stackId} is in ${state.status} state and can not be ${verb}.`);
    }
    return state;
  };

  return {
    create: ({ template: text, parameters: given, ...stack }) => {
      if (!/^[a-zA-Z][-a-zA-Z0-9]{0,127}$/.test(stack.name)) {
        throw validationError(
          "1 validation error detected: Value at 'stackName' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zA-Z][-a-zA-Z0-9]*",
        );
      }
      const template = parseTemplate(text);
      const parameters = checkParameters(template.parameters, given);
      const missing = requiredCapabilities(template).filter((each) => !stack.capabilities.includes(each));
      if (missing.length > 0) {
        throw new AwsError(
          400,
          'InsufficientCapabilitiesException',
          `Requires capabilities : [${missing.join(', ')}]`,
        );
      }
      const isTaken = [...states.values()].some(
        (each) =>
          each.name === stack.name &&
          each.accountId === stack.accountId &&
          each.region === stack.region &&
          each.status !== 'DELETE_COMPLETE',
      );
      if (isTaken) throw new AwsError(400, 'AlreadyExistsException', `Stack [${stack.name}] already exists`);
      const { partition, region, accountId, name } = stack;
      const stackId = `arn:${partition}:cloudformation:${region}:${accountId}:stack/${name}/${randomUUID()}`;
      const state: StackState = {
        ...stack,
        stackId,
        template,
        parameters,
        status: 'CREATE_IN_PROGRESS',
        outputs: {},
        resources: new Map(),
        events: [],
        createTime: now(),
      };
      scopeOf(state, template, parameters, state.resources);
      states.set(stackId, state);
      recordStatus(state, 'CREATE_IN_PROGRESS', now(), 'User Initiated');
      const [fault, ...others] = faults;
      faults = others;
      return begin(state, () => runCreation(world, state, fault));
    },
    update: (stackId, given, text) => {
      const state = demand(stackId, 'updated');
      const template = text === undefined ? state.template : parseTemplate(text);
      const previous = new Map([...state.parameters].filter(([name]) => template.parameters.has(name)));
      const parameters = checkParameters(template.parameters, given, previous);
      const same = [...parameters].every(([name, value]) => state.parameters.get(name) === value);
      if (same && text === undefined) throw validationError('No updates are to be performed.');
      scopeOf(state, template, parameters, state.resources);
      state.updateTime = now();
      recordStatus(state, 'UPDATE_IN_PROGRESS', now(), 'User Initiated');
      return begin(state, () => runUpdate(world, state, { template, parameters }));
    },
    delete: (stackId) => {
      const state = demand(stackId, 'deleted');
      recordStatus(state, 'DELETE_IN_PROGRESS', now(), 'User Initiated');
      return begin(state, () => runDeletion(world, state));
    },
    find: (stackId) => {
      const state = states.get(stackId);
      return state && describeStack(state);
    },
    list: () => Array.from(states.values(), describeStack),
    settled: async (stackId) => {
      const state = states.get(stackId);
      if (state === undefined) throw validationError(`Stack with id ${stackId} does not exist`);
      while (state.status.endsWith('_IN_PROGRESS')) await work.get(stackId);
      return describeStack(state);
    },
    failNext: (fault) => {
      faults = [...faults, fault];
    },
    heal: () => {
      faults = [];
    },
  };
}
