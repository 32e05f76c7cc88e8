import { Argument, type Command } from 'commander';
import { buildProgram } from '../program/build-program.ts';
import { type Cli, print } from '../terminal/terminal.ts';
import { describeTree } from './describe-tree.ts';
import { writeBash } from './write-bash.ts';
import { writeFish } from './write-fish.ts';
import { writeZsh } from './write-zsh.ts';

const writers = { bash: writeBash, zsh: writeZsh, fish: writeFish };

const examples = `
Examples:
  $ source <(planton completion bash)
  $ planton completion zsh > "\${fpath[1]}/_planton"
  $ planton completion fish > ~/.config/fish/completions/planton.fish`;

export function addCompletion(program: Command, cli: Cli): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'your shell').choices(Object.keys(writers)))
    .addHelpText('after', examples)
    .action(async (shell: keyof typeof writers) => {
      const whole = await buildProgram(cli, cli.exit, () => true);
      print(cli, writers[shell](describeTree(whole)));
    });
}
