import { type Explanation, explainKind } from '@planton/manifest';
import type { Command } from 'commander';
import { usage } from '../errors/cli-error.ts';
import { formatTable } from '../output/format-table.ts';
import { type Cli, print } from '../terminal/terminal.ts';
import { kindHelp, kindOf } from './kind-argument.ts';

export function addExplain(program: Command, cli: Cli): void {
  program
    .command('explain')
    .argument('<kind[.field...]>', kindHelp)
    .description('Describe a kind, or one of its fields.')
    .addHelpText(
      'after',
      '\nExamples:\n  $ planton explain aws\n  $ planton explain AwsProviderConnection.spec.auth_mode',
    )
    .action((argument: string) => {
      const [kind = '', ...path] = argument.split('.');
      const explanation = explainKind(kindOf(kind), path);
      if ('unknown' in explanation) throw usage(explanation.unknown, explanation.suggestion);
      print(cli, format(explanation));
    });
}

function format({ path, type, required, description, choices, fields }: Explanation): string {
  const parts = [`${path} <${type}>${required ? ' required' : ''}`, '', description];
  if (choices.length > 0)
    parts.push(
      '',
      formatTable(
        [
          ['VALUE', ({ name }) => name],
          ['MEANING', (choice) => choice.description],
        ],
        choices,
      ),
    );
  if (fields.length > 0)
    parts.push(
      '',
      formatTable(
        [
          ['FIELD', ({ name }) => name],
          ['TYPE', (field) => field.type],
          ['', (field) => (field.required ? 'required' : ' ')],
          ['DESCRIPTION', (field) => field.description],
        ],
        fields,
      ),
    );
  return parts.join('\n');
}
