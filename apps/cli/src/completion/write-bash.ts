import type { Place } from './describe-tree.ts';

/** A completion script for bash. */
export function writeBash(places: readonly Place[]): string {
  const cases = places.flatMap(({ words, commands, options, choices }) => {
    const path = words.join(' ');
    const names = [...commands.map(({ name }) => name), ...choices, ...options.map(({ name }) => name)];
    return [`    ${quote(path)}) words=${quote(names.join(' '))} ;;`];
  });
  const values = uniqueChoices(places).map(
    ([name, choices]) =>
      `    ${name}) COMPREPLY=($(compgen -W ${quote(choices.join(' '))} -- "$current")); return ;;`,
  );
  const taking = [
    ...new Set(
      places.flatMap(({ options }) => options.filter(({ takesValue }) => takesValue).map(({ name }) => name)),
    ),
  ];
  const known = places.flatMap(({ words }) => (words.length > 0 ? [quote(words.join(' '))] : [])).join('|');
  return `# bash completion for planton
_planton() {
  local current="\${COMP_WORDS[COMP_CWORD]}" previous="\${COMP_WORDS[COMP_CWORD-1]}" path="" next word words="" skip=""
  case "$previous" in
${values.join('\n')}
    ${taking.join('|')}) COMPREPLY=($(compgen -f -- "$current")); return ;;
  esac
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    if [[ -n "$skip" ]]; then skip=""; continue; fi
    case "$word" in
      ${taking.join('|')}) skip=1; continue ;;
      -*) continue ;;
    esac
    next="\${path:+$path }$word"
    case "$next" in
      ${known}) path="$next" ;;
      *) break ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _planton planton
`;
}

/** Options with fixed choices; the same name may offer several sets, which are joined. */
function uniqueChoices(places: readonly Place[]): [string, readonly string[]][] {
  const found = new Map<string, Set<string>>();
  for (const { options } of places) {
    for (const { name, choices } of options) {
      if (choices.length === 0) continue;
      const set = found.get(name) ?? new Set();
      for (const choice of choices) set.add(choice);
      found.set(name, set);
    }
  }
  return [...found].map(([name, choices]) => [name, [...choices]]);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
