import type { OptionWord, Place } from './describe-tree.ts';

/** A completion script for zsh. */
export function writeZsh(places: readonly Place[]): string {
  return `#compdef planton
${places.map(writePlace).join('\n')}
if [ "$funcstack[1]" = "_planton" ]; then _planton "$@"; else compdef _planton planton; fi
`;
}

function writePlace({ words, commands, options, choices }: Place): string {
  const specs = options.map(writeOption);
  if (commands.length === 0) {
    const first = choices.length > 0 ? `'1:argument:(${choices.join(' ')})' ` : '';
    return `${functionName(words)}() {\n  _arguments ${specs.join(' ')} ${first}'*:argument:_files'\n}`;
  }
  const described = commands.map(({ name, description }) =>
    quote(`${escapeColons(name)}:${escapeColons(description)}`),
  );
  const cases = commands.map(({ name }) => `        ${name}) ${functionName([...words, name])} ;;`);
  return `${functionName(words)}() {
  local line state
  _arguments -C ${specs.join(' ')} '1: :->command' '*::argument:->arguments'
  case $state in
    command)
      local -a commands=(${described.join(' ')})
      _describe command commands ;;
    arguments)
      case $line[1] in
${cases.join('\n')}
      esac ;;
  esac
}`;
}

function writeOption({ name, description, takesValue, choices }: OptionWord): string {
  const value = choices.length > 0 ? `:value:(${choices.join(' ')})` : takesValue ? ':value:_files' : '';
  return quote(`${name}[${description.replace(/[[\]\\:]/g, '\\$&')}]${value}`);
}

function functionName(words: readonly string[]): string {
  return ['_planton', ...words.map((word) => word.replaceAll('-', '_'))].join('_');
}

function escapeColons(text: string): string {
  return text.replaceAll(':', '\\:');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
