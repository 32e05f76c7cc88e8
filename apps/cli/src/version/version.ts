/** The version of the program. */
export const version = '0.1.0';

/** The answer to `version`, `--version` and `-V` alone, which takes no program; commands have options of these names too. */
export function answerVersion(args: readonly string[]): string | undefined {
  return args.length === 1 && /^(version|--version|-V)$/.test(args[0] ?? '')
    ? `planton ${version}`
    : undefined;
}
