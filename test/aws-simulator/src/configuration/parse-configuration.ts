import type { Account } from '../identities/identity.ts';
import { readAccounts } from './parse-accounts.ts';
import { mapAt, numberAt, objectAt, readJson, textAt } from './read-fields.ts';

/** What a simulator that runs by itself is told. */
export interface Configuration {
  readonly accounts: readonly Account[];
  readonly consoleAccount?: string;
  /** Files by the URLs under which the console is to find them. */
  readonly templates: Readonly<Record<string, string>>;
  readonly clockFactor?: number;
}

/**
 * Reads what `parseAccounts` reads and, where they are there, `"consoleAccount"`, `"templates": {URL: FILE}` and `"clockFactor"`.
 *
 * @throws Error that names the place that is wrong, never a value
 */
export function parseConfiguration(text: string): Configuration {
  const configuration = objectAt(readJson(text), 'the configuration');
  const { consoleAccount, templates, clockFactor } = configuration;
  return {
    accounts: readAccounts(configuration),
    ...(consoleAccount !== undefined && { consoleAccount: textAt(configuration, 'consoleAccount', '') }),
    templates: templates === undefined ? {} : mapAt(configuration, 'templates', '', textAt),
    ...(clockFactor !== undefined && { clockFactor: numberAt(configuration, 'clockFactor', '') }),
  };
}
