import { timestampDate } from '@bufbuild/protobuf/wkt';
import { type RunnerToken, RunnerTokenSchema } from '@planton/api/runner/v1/runner';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import type { Command } from 'commander';
import { formatTime } from '../../output/format-time.ts';
import { type OutputOptions, type Printable, printList, withOutput } from '../../output/print-messages.ts';
import { listAll } from '../../session/list-all.ts';
import { openOrganization } from '../../session/open-session.ts';
import type { Cli } from '../../terminal/terminal.ts';

export function addTokenList(token: Command, cli: Cli): void {
  const command = token
    .command('list')
    .argument('<name>', 'name or slug of the runner')
    .description('List the tokens of a runner, newest first, without their text.');
  withOutput(command).action(async (name: string, options: OutputOptions) => {
    const { org, client } = await openOrganization(cli);
    const tokens = await listAll(
      (page) => client(RunnerService).listRunnerTokens({ org, runner: name, ...page }),
      (page) => page.tokens,
    );
    const nothing = `no token; make one with: planton runner token create ${name}`;
    printList(cli, options, printableAt(cli.now()), tokens, nothing);
  });
}

function printableAt(now: Date): Printable<RunnerToken> {
  return {
    schema: RunnerTokenSchema,
    columns: [
      ['UID', ({ uid }) => uid],
      ['STATE', (token) => stateOf(token, now)],
      ['USED', ({ useCount, useLimit }) => `${useCount} of ${useLimit === 0 ? 'any' : useLimit}`],
      ['EXPIRES', ({ expireTime }) => formatTime(expireTime)],
      ['LAST USED', ({ lastUseTime }) => formatTime(lastUseTime) || 'never'],
      ['BY', ({ createdBy }) => createdBy],
    ],
  };
}

function stateOf({ revokeTime, expireTime, useCount, useLimit }: RunnerToken, now: Date): string {
  if (revokeTime) return 'revoked';
  if (useLimit > 0 && useCount >= useLimit) return 'used up';
  return expireTime && timestampDate(expireTime) <= now ? 'expired' : 'good';
}
