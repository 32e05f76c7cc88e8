import type { Command, Option } from 'commander';

/** What can be typed after a sequence of words. */
export interface Place {
  /** The words that lead here, without `planton`; empty for the program itself. */
  readonly words: readonly string[];
  readonly commands: readonly Word[];
  readonly options: readonly OptionWord[];
  /** Fixed choices of the first argument. */
  readonly choices: readonly string[];
}

export interface Word {
  readonly name: string;
  readonly description: string;
}

export interface OptionWord extends Word {
  readonly takesValue: boolean;
  readonly choices: readonly string[];
}

/** Every place of a command tree, the program first. */
export function describeTree(program: Command): readonly Place[] {
  const inherited = program.options.map(describeOption);
  return walk(program, [], inherited);
}

function walk(command: Command, words: readonly string[], inherited: readonly OptionWord[]): Place[] {
  const own = words.length === 0 ? [] : command.options.map(describeOption);
  const place: Place = {
    words,
    commands: command.commands.map((child) => ({
      name: child.name(),
      description: child.summary() || child.description(),
    })),
    options: [
      ...own,
      ...inherited,
      { name: '--help', description: 'print help', takesValue: false, choices: [] },
    ],
    choices: command.registeredArguments[0]?.argChoices ?? [],
  };
  return [place, ...command.commands.flatMap((child) => walk(child, [...words, child.name()], inherited))];
}

function describeOption(option: Option): OptionWord {
  return {
    name: option.long ?? option.short ?? option.flags,
    description: option.description,
    takesValue: option.required || option.optional,
    choices: option.argChoices ?? [],
  };
}
