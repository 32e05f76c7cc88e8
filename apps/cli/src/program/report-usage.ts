import { usageHint } from '../errors/cli-error.ts';
import { paint, type Surroundings, say } from '../terminal/terminal.ts';

/** Says how a command was misused, in the form that every error of the CLI has. */
export function reportUsage(surroundings: Surroundings, text: string): void {
  const [first = '', ...rest] = text.trim().split('\n');
  const suggestion = /\((Did you mean .*)\)/.exec(rest.join(' '))?.[1];
  const message = first.replace(/^error: /, '').replace(/\.$/, '');
  say(surroundings, `${paint(surroundings, 'red', 'error:')} ${message}`);
  const hint = suggestion ? `${suggestion[0]?.toLowerCase()}${suggestion.slice(1)}` : usageHint;
  say(surroundings, `${paint(surroundings, 'cyan', 'hint:')} ${hint}`);
}
