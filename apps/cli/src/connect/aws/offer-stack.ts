import { chooseBrowser } from '../../browser/choose-browser.ts';
import { type OpenedLink, openLink } from '../../browser/open-link.ts';
import { CliError, exitCodes } from '../../errors/cli-error.ts';
import { type Cli, say } from '../../terminal/terminal.ts';

/**
 * Has a person make the stack: opens the link in a browser, and writes it in a line of its own on standard error where there is none,
 * or where only a person at a terminal reads it. Answers what was opened.
 */
export async function offerStack(
  cli: Cli,
  quickCreateUrl: string,
  wanted: boolean,
  platform: NodeJS.Platform = process.platform,
): Promise<OpenedLink | undefined> {
  const link = readLink(quickCreateUrl);
  const choice = wanted ? chooseBrowser(cli, platform) : { none: '' };
  const opened = 'openers' in choice ? await openLink(cli, link, choice.openers) : undefined;
  if (opened) {
    say(cli, 'opened the AWS console in your browser: review the stack there, and choose "Create stack"');
    if (!cli.interactive) return opened;
    say(cli, 'if it does not show, open this link; it is for you alone:');
  } else {
    const reason = 'none' in choice ? choice.none : 'no browser could be started';
    const because = reason === '' ? '' : ` (${reason})`;
    say(
      cli,
      `open this link in a browser, review the stack there, and choose "Create stack"; it is for you alone${because}:`,
    );
  }
  say(cli, `\n${link.href}\n`);
  return opened;
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
