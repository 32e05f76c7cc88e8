import { Command } from 'commander';
import { expect, test } from 'vitest';
import { addServerTo } from './index.ts';

test.each([[['start', '--listen', 'x', '--help']], [['template', '-h']], [[]], [['--help']]])(
  '%j reaches the server as it was typed',
  async (words) => {
    let handed: readonly string[] = [];
    const program = new Command().exitOverride();
    addServerTo(program, async (args) => {
      handed = args;
    });
    await program.parseAsync(['server', ...words], { from: 'user' });
    expect(handed).toEqual(words);
  },
);
