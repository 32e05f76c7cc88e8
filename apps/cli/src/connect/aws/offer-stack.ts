import type { AwsTrustSetup } from '@planton/api/connect/v1/aws_trust_setup';
import type { InitiateAwsTrustSetupResponse } from '@planton/api/connect/v1/connection_service';
import { deployCommand } from '@planton/aws';
import { chooseBrowser } from '../../browser/choose-browser.ts';
import { type OpenedLink, openLink } from '../../browser/open-link.ts';
import { CliError, exitCodes } from '../../errors/cli-error.ts';
import { cleanText } from '../../output/clean-text.ts';
import { quoteWord } from '../../output/quote-word.ts';
import { type Cli, say } from '../../terminal/terminal.ts';

const templateFile = 'planton-connect.yaml';

const whatToDo = 'review the stack there, acknowledge that it makes IAM resources, and choose "Create stack"';

/** What the stack is made with. */
export interface StackOffer {
  readonly server: string;
  readonly setup: AwsTrustSetup;
  readonly answer: InitiateAwsTrustSetupResponse;
  /** Whether a browser may be opened. */
  readonly browser: boolean;
}

/**
 * Has a person make the stack: opens the link in a browser. Where there is none, the link and a command for the AWS CLI are written to
 * standard error; at a terminal the link is in any case, because no browser says whether it shows a page. Answers what was opened.
 */
export async function offerStack(
  cli: Cli,
  { server, setup, answer, browser }: StackOffer,
  platform: NodeJS.Platform = process.platform,
): Promise<OpenedLink | undefined> {
  const link = readLink(answer.quickCreateUrl);
  const choice = browser ? chooseBrowser(cli, platform) : { none: '' };
  const opened = 'openers' in choice ? await openLink(cli, link, choice.openers) : undefined;
  if (opened) {
    say(cli, `opened the AWS console in your browser: ${whatToDo}`);
    if (cli.interactive)
      say(cli, `if it does not show, open this link; it is for you alone:\n\n${link.href}\n`);
    return opened;
  }
  const reason = 'none' in choice ? choice.none : 'no browser could be started';
  const because = reason === '' ? '' : ` (${reason})`;
  say(cli, `open this link in a browser, ${whatToDo}; it is for you alone${because}:`);
  say(cli, `\n${link.href}\n`);
  say(cli, `or make the stack with the AWS CLI:\n\n${commandsFor(server, setup, answer)}\n`);
  return undefined;
}

/** No error repeats the link, and no other scheme than these reaches a browser. */
function readLink(text: string): URL {
  const link = URL.canParse(text) ? new URL(text) : undefined;
  if (link?.protocol === 'https:' || link?.protocol === 'http:') return link;
  throw new CliError('the server sent no link that a browser can open', {
    exitCode: exitCodes.failed,
    hint: 'is PLANTON_SERVER a Planton server of the same version?',
  });
}

/** They hold no token: the stack does not call back, and the server tries the role by itself. */
function commandsFor(
  server: string,
  { stackName, region }: AwsTrustSetup,
  { parameters }: InitiateAwsTrustSetupResponse,
): string {
  const template = quoteWord(`${server}/aws/cloudformation-template.yaml`);
  const deploy = deployCommand({ stackName, region, templateFile, parameters });
  return [`curl -fsS -o ${templateFile} ${template}`, ...deploy.split('\n')].map(cleanText).join('\n');
}
