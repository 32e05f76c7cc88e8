import { partitionOf } from '@planton/aws';
import type { Stacks } from '../cloudformation/stacks/keep-stacks.ts';
import type { Stack } from '../cloudformation/stacks/stack.ts';
import { parseTemplate } from '../cloudformation/templates/parse-template.ts';
import { validationError } from '../errors/aws-error.ts';
import type { Account } from '../identities/identity.ts';
import { describeTemplate, type TemplateDescription } from './describe-template.ts';
import type { FetchTemplate } from './fetch-template.ts';

/** What a person asks for who has filled in the quick-create page. */
export interface AskedStack {
  /** The account that the person is signed in to; the console's own when absent. */
  readonly accountId?: string;
  readonly region: string;
  readonly stackName: string;
  readonly templateUrl: string;
  readonly parameters: Readonly<Record<string, string>>;
  /** Those that were acknowledged. */
  readonly capabilities: readonly string[];
}

/** The console of CloudFormation, as one person sees it. What is refused is an AwsError. */
export interface Console {
  account(accountId?: string): Account;
  describeTemplate(url: string): Promise<TemplateDescription>;
  createStack(asked: AskedStack): Promise<Stack>;
  deleteStack(stackId: string): Stack;
  findStack(stackId: string): Stack | undefined;
}

export interface ConsoleOptions {
  readonly accounts: () => readonly Account[];
  /** Whose console it is. */
  readonly accountId: string | undefined;
  readonly stacks: Stacks;
  readonly fetchTemplate: FetchTemplate;
}

export function openConsole({ accounts, accountId: own, stacks, fetchTemplate }: ConsoleOptions): Console {
  const account = (id = own ?? accounts()[0]?.id): Account => {
    const found = accounts().find((each) => each.id === id);
    if (found === undefined)
      throw validationError(`There is no account ${id ?? 'at all'} to be signed in to`);
    return found;
  };
  /** Of the console's own account alone. */
  const findStack = (stackId: string): Stack | undefined => {
    const stack = stacks.find(stackId);
    return stack?.accountId === account().id ? stack : undefined;
  };
  return {
    account,
    describeTemplate: async (url) => describeTemplate(parseTemplate(await fetchTemplate(url))),
    createStack: async ({ accountId, region, stackName: name, templateUrl, parameters, capabilities }) => {
      const { id, partition = 'aws' } = account(accountId);
      if (partitionOf(region)?.id !== partition) {
        throw validationError(`There is no region ${JSON.stringify(region)} in partition ${partition}`);
      }
      const template = await fetchTemplate(templateUrl);
      return stacks.create({ accountId: id, partition, region, name, template, parameters, capabilities });
    },
    deleteStack: (stackId) => {
      if (findStack(stackId) === undefined) throw validationError(`Stack [${stackId}] does not exist`);
      return stacks.delete(stackId);
    },
    findStack,
  };
}
