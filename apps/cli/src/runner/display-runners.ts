import type { Runner } from '@planton/api/runner/v1/runner';
import { type WatchRunnersResponse, WatchRunnersResponseSchema } from '@planton/api/runner/v1/runner_service';
import { toManifestObject, writeYaml } from '@planton/manifest';
import { cleanText } from '../output/clean-text.ts';
import { formatTable } from '../output/format-table.ts';
import { createRedraw } from '../terminal/redraw.ts';
import { type Cli, print, say, warn } from '../terminal/terminal.ts';
import { runners, slugOf, stateOf } from './runner.ts';

/** Shows what a watch tells. */
export interface Display {
  /** Begins with a stream, which tells of every runner first, and answers what takes its events. */
  readonly begin: () => (response: WatchRunnersResponse) => void;
  /** Says that a stream broke. */
  readonly interrupt: (message: string) => void;
}

/** Draws the table anew with every change, once all runners are known. */
export function displayTable(cli: Cli, nothing: string): Display {
  const redraw = createRedraw(cli.stdout);
  let drawn = nothing;
  const draw = (held: readonly Runner[]) => {
    drawn = held.length === 0 ? nothing : formatTable(runners.columns, held);
    redraw(drawn);
  };
  return {
    begin: () => collect(draw),
    interrupt: (message) => redraw(`${drawn}\n${cleanText(message)}`),
  };
}

/** Prints the table once, then a line with every change. */
export function displayLines(cli: Cli, nothing: string): Display {
  let told: ReadonlyMap<string, string> | undefined;
  const tell = (slug: string, text: string) =>
    print(cli, `${cli.now().toISOString()} ${cleanText(slug)} ${cleanText(text)}`);

  const tellAll = (held: readonly Runner[]) => {
    if (held.length === 0) say(cli, nothing);
    else print(cli, formatTable(runners.columns, held));
  };
  const tellDifferences = (before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>) => {
    for (const [slug, text] of after) if (before.get(slug) !== text) tell(slug, text);
    for (const slug of before.keys()) if (!after.has(slug)) tell(slug, 'is gone');
  };
  const take = (held: readonly Runner[]) => {
    const now = new Map(held.map((runner) => [slugOf(runner), summaryOf(runner)]));
    if (told) tellDifferences(told, now);
    else tellAll(held);
    told = now;
  };
  return {
    begin: () => collect(take),
    interrupt: (message) => warn(cli, cleanText(message)),
  };
}

/** Prints the events as they are: one a line, or each a document of YAML. */
export function displayEvents(cli: Cli, output: 'json' | 'yaml'): Display {
  return {
    begin: () => (response) => {
      const value = toManifestObject(WatchRunnersResponseSchema, response);
      print(cli, output === 'json' ? JSON.stringify(value) : `---\n${writeYaml(value)}`);
    },
    interrupt: (message) => warn(cli, cleanText(message)),
  };
}

/** Answers what takes the events of a stream, and hands on the runners, by slug, once all are known and with every change after. */
function collect(hand: (held: readonly Runner[]) => void): (response: WatchRunnersResponse) => void {
  const held = new Map<string, Runner>();
  let complete = false;
  return ({ event }) => {
    if (event.case === 'runner') held.set(slugOf(event.value), event.value);
    else if (event.case === 'deleted') held.delete(event.value);
    else if (event.case === 'complete') complete = true;
    if (complete) hand([...held.values()].sort((a, b) => (slugOf(a) < slugOf(b) ? -1 : 1)));
  };
}

function summaryOf(runner: Runner): string {
  const { status } = runner;
  const versions = status?.versions.join(', ') ?? '';
  return [
    `is ${stateOf(runner)}`,
    `${status?.onlineInstances ?? 0} of ${status?.instances ?? 0} instances online`,
    ...(versions === '' ? [] : [`version ${versions}`]),
    `${status?.runningOperations ?? 0} running`,
    `${status?.queuedOperations ?? 0} queued`,
  ].join(', ');
}
