import { timestampDate } from '@bufbuild/protobuf/wkt';
import type { AwsTrustSetup } from '@planton/api/connect/v1/aws_trust_setup';
import { causeFields } from '../../connection/verification.ts';
import { cleanText } from '../../output/clean-text.ts';
import { formatFields } from '../../output/format-fields.ts';
import { canRedraw, columnsOf, createRedraw } from '../../terminal/redraw.ts';
import { type Cli, say, warn } from '../../terminal/terminal.ts';
import { stateOf, waitOf } from './describe-setup.ts';
import { hasEnded } from './watch-setup.ts';

/** Shows on standard error how far a set-up is. */
export interface Progress {
  readonly show: (setup: AwsTrustSetup) => void;
  /** Says why nothing is heard for the moment. */
  readonly interrupt: (message: string) => void;
  readonly end: () => void;
}

/** Drawn over on a terminal, where also time goes on; elsewhere a line with every change. */
export function displayProgress(cli: Cli): Progress {
  return canRedraw(cli, 'stderr') ? drawProgress(cli) : tellProgress(cli);
}

function drawProgress(cli: Cli): Progress {
  const begun = cli.now();
  const redraw = createRedraw(cli.stderr);
  let shown: AwsTrustSetup | undefined;
  let trouble = '';
  const draw = () => {
    if (shown) redraw(formatFields(fieldsOf(shown, begun, cli.now(), trouble), columnsOf(cli.stderr) - 1));
  };
  const timer = setInterval(draw, 1000).unref();
  return {
    show: (setup) => {
      shown = setup;
      trouble = '';
      draw();
    },
    interrupt: (message) => {
      trouble = `${message}; trying again`;
      draw();
    },
    end: () => clearInterval(timer),
  };
}

function tellProgress(cli: Cli): Progress {
  let told = '';
  return {
    show: (setup) => {
      const { message, causes } = setup;
      const wait = waitOf(setup);
      const parts = [
        `${stateOf(setup)}${wait === '' ? '' : `, waiting for ${wait}`}`,
        ...(message === '' ? [] : [`observed: ${message}`]),
        ...causeFields(causes).flatMap(([name, value]) => (value === '' ? [] : [`${name}: ${value}`])),
      ];
      const text = cleanText(parts.join(' · '));
      if (text !== told) say(cli, `${cli.now().toISOString()} ${text}`);
      told = text;
    },
    interrupt: (message) => warn(cli, `${cleanText(message)}; trying again`),
    end: () => undefined,
  };
}

function fieldsOf(
  setup: AwsTrustSetup,
  begun: Date,
  now: Date,
  trouble: string,
): readonly (readonly [name: string, value: string])[] {
  return [
    ['set-up', `${stateOf(setup)}, after ${formatElapsed(now.getTime() - begun.getTime())}`],
    ['waiting for', waitOf(setup)],
    ['next attempt', nextAttempt(setup, now)],
    ['observed', setup.message],
    ...causeFields(setup.causes),
    ['trouble', trouble],
  ];
}

function nextAttempt(setup: AwsTrustSetup, now: Date): string {
  const { nextAttemptTime, attempts } = setup;
  if (!nextAttemptTime || hasEnded(setup)) return '';
  const left = timestampDate(nextAttemptTime).getTime() - now.getTime();
  return `${left < 1000 ? 'now' : `in ${formatElapsed(left)}`}, after ${attempts} so far`;
}

/** Such as `2m 05s`. */
function formatElapsed(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const [hours, minutes, rest] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (count: number) => String(count).padStart(2, '0');
  if (hours > 0) return `${hours}h ${two(minutes)}m`;
  return minutes > 0 ? `${minutes}m ${two(rest)}s` : `${rest}s`;
}
