import type { Command } from 'commander';
import type { Cli } from '../terminal/terminal.ts';

/** Adds a command, with everything below it, to the program. */
export type AddCommand = (program: Command, cli: Cli) => void;

/** A word that can follow `planton`. What it does is loaded when it is used. */
export interface Entry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  readonly load: () => Promise<AddCommand>;
}

const manifests = 'Manifests:';
const connect = 'Connections:';
const runners = 'Runners:';
const config = 'Secrets and variables:';
const account = 'Account:';
const other = 'Other:';

/** The words that can follow `planton`, in the order of its help. */
export const entries: readonly Entry[] = [
  entry(
    manifests,
    'apply',
    'create or update what manifests describe',
    async () => (await import('../manifest/apply.ts')).addApply,
  ),
  entry(
    manifests,
    'get',
    'print one manifest, or list a kind',
    async () => (await import('../manifest/get.ts')).addGet,
  ),
  entry(
    manifests,
    'delete',
    'delete what a manifest kind and name say',
    async () => (await import('../manifest/delete.ts')).addDelete,
  ),
  entry(
    manifests,
    'validate',
    'check manifests and change nothing',
    async () => (await import('../manifest/validate.ts')).addValidate,
  ),
  entry(
    manifests,
    'diff',
    'show what apply would change',
    async () => (await import('../manifest/diff.ts')).addDiff,
  ),
  entry(
    manifests,
    'explain',
    'describe a kind and its fields',
    async () => (await import('../manifest/explain.ts')).addExplain,
  ),
  entry(
    connect,
    'connect',
    'connect an account by a role that trusts the platform',
    async () => (await import('../connect/index.ts')).addConnect,
  ),
  entry(
    connect,
    'connection',
    'verify and resolve connections, and use their credentials',
    async () => (await import('../connection/index.ts')).addConnection,
  ),
  entry(
    runners,
    'runner',
    'register and run runners, which reach accounts from your own network',
    async () => (await import('../runner/index.ts')).addRunner,
  ),
  entry(
    runners,
    'operation',
    'see and cancel what runners carry out',
    async () => (await import('../operation/index.ts')).addOperation,
  ),
  entry(config, 'secret', 'keep secrets', async () => (await import('../secret/index.ts')).addSecret),
  entry(
    config,
    'variable',
    'keep plain values that manifests refer to',
    async () => (await import('../variable/index.ts')).addVariable,
  ),
  entry(account, 'auth', 'sign in and out', async () => (await import('../auth/index.ts')).addAuth),
  entry(
    account,
    'context',
    'choose the organisation, environment and server',
    async () => (await import('../context/index.ts')).addContext,
  ),
  entry(
    account,
    'org',
    'create and list organisations, and set their policy',
    async () => (await import('../org/index.ts')).addOrg,
  ),
  entry(
    account,
    'env',
    'create, list and delete environments',
    async () => (await import('../env/index.ts')).addEnv,
  ),
  entry(
    account,
    'member',
    'invite and list members, give roles and take them',
    async () => (await import('../member/index.ts')).addMember,
  ),
  entry(
    account,
    'service-account',
    'create, list and delete identities for programs',
    async () => (await import('../service-account/index.ts')).addServiceAccount,
  ),
  entry(
    account,
    'api-key',
    'create, list and revoke API keys',
    async () => (await import('../api-key/index.ts')).addApiKey,
  ),
  entry(
    account,
    'account',
    'list, disable and enable the people of the server, for its owner',
    async () => (await import('../account/index.ts')).addAccount,
  ),
  entry(account, 'audit', 'read the audit trail', async () => (await import('../audit/index.ts')).addAudit),
  entry(
    other,
    'server',
    'run the Planton Connect server',
    async () => (await import('../server/index.ts')).addServer,
  ),
  entry(
    other,
    'completion',
    'print a completion script for your shell',
    async () => (await import('../completion/index.ts')).addCompletion,
  ),
  entry(other, 'version', 'print the version', async () => (await import('../version/index.ts')).addVersion),
];

function entry(group: string, name: string, summary: string, load: Entry['load']): Entry {
  return { group, name, summary, load };
}
