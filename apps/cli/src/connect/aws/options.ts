import type { OutputOptions } from '../../output/print-messages.ts';
import { quoteWord } from '../../output/quote-word.ts';
import type { GlobalOptions } from '../../terminal/terminal.ts';

/** What can be typed after `planton connect aws`. */
export interface ConnectOptions extends OutputOptions {
  readonly name: string;
  readonly accountId: string;
  readonly region?: string;
  readonly capabilities?: readonly string[];
  readonly permissionsBoundary?: string;
  readonly callback: Callback;
  readonly reconnect?: boolean;
  readonly browser: boolean;
  readonly stack: boolean;
  readonly timeout?: string;
}

/** How the stack tells the server that it is complete. */
export type Callback = 'auto' | 'always' | 'never';

/**
 * The command that goes on with the same set-up, for a person to paste. How long it waited is left out.
 *
 * @param role whether it waits for a role without a stack, or prints what that has to be
 */
export function formatCommand(
  { server, org }: GlobalOptions,
  options: ConnectOptions,
  role?: 'wait' | 'print',
): string {
  const { name, accountId, region, capabilities, permissionsBoundary, callback, reconnect, browser } =
    options;
  const given = (flag: string, value: string | undefined) => (value === undefined ? [] : [flag, value]);
  const words = [
    ...['planton', 'connect', 'aws', '--name', name],
    ...given('--server', server),
    ...given('--org', org),
    ...['--account-id', accountId],
    ...given('--region', region),
    ...given('--capabilities', capabilities?.join(',')),
    ...given('--permissions-boundary', permissionsBoundary),
    ...given('--callback', callback === 'auto' ? undefined : callback),
    ...(reconnect ? ['--reconnect'] : []),
    ...(role === 'print' ? ['-o', 'json'] : role === 'wait' || !options.stack ? ['--no-stack'] : []),
    ...(browser ? [] : ['--no-browser']),
  ];
  return words.map(quoteWord).join(' ');
}
