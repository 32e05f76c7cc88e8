import type { Place } from './describe-tree.ts';

/** A completion script for fish. */
export function writeFish(places: readonly Place[]): string {
  const lines = places.flatMap(({ words, commands, options, choices }) => {
    const below = commands.map(({ name }) => name).join(' ');
    const here = words.map((word) => `__fish_seen_subcommand_from ${word}`);
    const notBelow = below === '' ? [] : [`not __fish_seen_subcommand_from ${below}`];
    const condition = quote([...here, ...notBelow].join('; and ') || 'true');
    return [
      ...commands.map(
        ({ name, description }) =>
          `complete -c planton -n ${condition} -f -a ${name} -d ${quote(description)}`,
      ),
      ...choices.map((choice) => `complete -c planton -n ${condition} -f -a ${choice}`),
      ...options.map(({ name, description, takesValue, choices: values }) => {
        const value = values.length > 0 ? ` -x -a ${quote(values.join(' '))}` : takesValue ? ' -r' : '';
        return `complete -c planton -n ${condition} -l ${name.replace(/^-+/, '')}${value} -d ${quote(description)}`;
      }),
    ];
  });
  return `# fish completion for planton\n${lines.join('\n')}\n`;
}

function quote(text: string): string {
  return `'${text.replace(/[\\']/g, '\\$&')}'`;
}
