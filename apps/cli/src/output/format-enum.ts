/**
 * The name of an enum's value as manifests and `-o json` spell it; empty for none and for one that this CLI does not know.
 *
 * @param values the generated enum, in which 0 is `UNSPECIFIED`
 */
export function formatEnum(values: Readonly<Record<string, string | number>>, value: number): string {
  const name = Object.entries(values).find(([, number]) => number === value)?.[0];
  return name === undefined || value === 0 ? '' : name.toLowerCase();
}
