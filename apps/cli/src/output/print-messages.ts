import type { DescMessage, Message } from '@bufbuild/protobuf';
import { type ManifestValue, toManifestObject, writeYaml } from '@planton/manifest';
import { type Command, Option } from 'commander';
import { print, type Surroundings, say } from '../terminal/terminal.ts';
import { type Column, formatTable } from './format-table.ts';

export type OutputFormat = 'table' | 'json' | 'yaml';

/** Options of a command that prints objects. */
export interface OutputOptions {
  readonly output?: OutputFormat;
}

/** Adds `-o table|json|yaml`. */
export function withOutput(command: Command, standard: OutputFormat = 'table'): Command {
  const option = new Option('-o, --output <format>', 'how to print').choices(['table', 'json', 'yaml']);
  return command.addOption(option.default(standard));
}

/** How a type of message is printed. */
export interface Printable<T extends Message> {
  readonly schema: DescMessage;
  readonly columns: readonly Column<T>[];
}

/** Prints a list: a table, or an array in the manifest dialect. */
export function printList<T extends Message>(
  cli: Surroundings,
  { output }: OutputOptions,
  { schema, columns }: Printable<T>,
  items: readonly T[],
  nothing: string,
): void {
  if (output === 'json' || output === 'yaml')
    printValue(
      cli,
      output,
      items.map((item) => toManifestObject(schema, item)),
    );
  else if (items.length === 0) say(cli, nothing);
  else print(cli, formatTable(columns, items));
}

/** Prints one object. As a table it has a row. */
export function printOne<T extends Message>(
  cli: Surroundings,
  { output }: OutputOptions,
  { schema, columns }: Printable<T>,
  item: T,
): void {
  if (output === 'json' || output === 'yaml') printValue(cli, output, toManifestObject(schema, item));
  else print(cli, formatTable(columns, [item]));
}

/** Prints a value as JSON or YAML. */
export function printValue(cli: Surroundings, output: 'json' | 'yaml', value: ManifestValue): void {
  print(cli, output === 'json' ? JSON.stringify(value, null, 2) : writeYaml(value));
}
