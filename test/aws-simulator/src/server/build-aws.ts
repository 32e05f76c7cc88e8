import { randomBytes } from 'node:crypto';
import { askProviders } from '../cloudformation/responses/ask-providers.ts';
import { keepResponses, type Responses } from '../cloudformation/responses/keep-responses.ts';
import { keepStacks } from '../cloudformation/stacks/keep-stacks.ts';
import { type Console, openConsole } from '../console/console.ts';
import { fetchTemplates } from '../console/fetch-template.ts';
import type { Iam } from '../iam/iam.ts';
import { keepIam } from '../iam/keep-iam.ts';
import { encodeLetters } from '../identities/derive-unique-id.ts';
import type { Account } from '../identities/identity.ts';
import { indexCredentials } from '../identities/index-credentials.ts';
import { keepFunctions } from '../lambda/functions.ts';
import { type Invoker, invokeFunctions } from '../lambda/invoke-functions.ts';
import type { NetworkState } from '../lambda/job.ts';
import { keepSessions, type RandomBytes } from '../sts/keep-sessions.ts';
import type { World } from './service.ts';

/** What the simulator is made of. */
export interface Aws {
  readonly world: World;
  readonly iam: Iam;
  readonly console: Console;
  readonly responses: Responses;
  readonly invoker: Invoker;
  /** What a test does to functions that run from now on. */
  readonly functionFaults: { network: NetworkState; times: number };
  account(id: string): Account | undefined;
  /** Throws, and changes nothing, where an account is wrong. */
  replaceAccounts(accounts: readonly Account[]): void;
}

export interface AwsParts {
  readonly accounts: readonly Account[];
  readonly consoleAccount: string | undefined;
  readonly templates: Readonly<Record<string, string>>;
  readonly clockFactor: number;
  readonly random: RandomBytes | undefined;
  readonly now: () => Date;
  readonly stopping: AbortSignal;
  /** Such as `http://127.0.0.1:4566`, once it is known. */
  readonly origin: () => string;
}

/** @throws Error of the first account, role or policy that is wrong */
export function buildAws(parts: AwsParts): Aws {
  const { templates, clockFactor, random = randomBytes, now, stopping, origin } = parts;
  let { accounts } = parts;
  let findCredential = indexCredentials(accounts);
  const iam = keepIam(accounts, now);
  const sessions = keepSessions(iam.findRole, random);
  const functionFaults: Aws['functionFaults'] = { network: 'open', times: 1 };
  const functions = keepFunctions();
  const responses = keepResponses(origin);
  const invoker = invokeFunctions({
    clockFactor,
    network: () => ({ state: functionFaults.network, reachable: new URL(origin()).host }),
  });
  const randomName = (size: number): string => encodeLetters(random(size));
  const customResources = askProviders({
    functions,
    responses,
    invoke: (definition, event) => invoker.invoke(definition, event, functionFaults.times),
    clockFactor,
    stopping,
    randomName,
  });
  const stacks = keepStacks({
    resources: { iam, functions, logGroups: new Set(), customResources, randomName },
    now,
    stopping,
  });
  const console = openConsole({
    accounts: () => accounts,
    accountId: parts.consoleAccount,
    stacks,
    fetchTemplate: fetchTemplates(() => templates),
  });
  if (parts.consoleAccount !== undefined) console.account();
  return {
    world: {
      findCredential: (accessKeyId) => findCredential(accessKeyId) ?? sessions.find(accessKeyId),
      findRole: iam.findRole,
      findPolicy: iam.findPolicy,
      sessions,
      stacks,
    },
    iam,
    console,
    responses,
    invoker,
    functionFaults,
    account: (id) => accounts.find((account) => account.id === id),
    replaceAccounts: (replacement) => {
      const replaced = indexCredentials(replacement);
      iam.replaceAccounts(replacement);
      accounts = replacement;
      findCredential = replaced;
    },
  };
}
