import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { cliAt } from '../testing/run-cli.ts';

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;
const script = async (shell: string) => {
  const { code, stdout } = await cliAt('http://127.0.0.1:1').cli(['completion', shell]);
  expect(code).toBe(0);
  return stdout;
};

describe('completion', () => {
  test.each([
    ['secret ', ['set', 'rollback', '--org']],
    ['secret se', ['set']],
    ['connection default ', ['set', 'unset']],
    ['connection exec --inject ', ['endpoint', 'env']],
    ['--org acme secret ', ['list']],
    ['runner ', ['register', 'start', 'token']],
    ['runner token ', ['create', 'revoke']],
    ['runner start ', ['--credentials-file']],
    ['operation list --state ', ['queued', 'outcome_unknown']],
    ['connection ', ['verify']],
    ['member ', ['invite', 'invitation']],
    ['member invite --role ', ['owner', 'viewer']],
    ['account ', ['disable', 'password-link']],
    ['completion ', ['bash', 'fish']],
    ['connect aws --callback ', ['always', 'never']],
    ['', ['apply', 'connect', 'connection']],
  ])('bash offers what can follow "planton %s"', async (typed, expected) => {
    const words = ['planton', ...typed.split(' ')];
    const array = words.map((word) => `'${word}'`).join(' ');
    const probe = `${await script('bash')}\nCOMP_WORDS=(${array}); COMP_CWORD=${words.length - 1}; _planton; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', probe]);
    expect(stderr.toString()).toBe('');
    expect(stdout.toString().split('\n')).toEqual(expect.arrayContaining(expected));
  });

  test.each(['zsh', 'fish'])('%s is given every command', async (shell) => {
    const text = await script(shell);
    for (const word of ['api-key', 'rollback', 'authorization', 'credentials', 'usages', 'cancel', 'ping'])
      expect(text).toContain(word);
    if (has(shell)) expect(spawnSync(shell, ['-n', '-c', text]).stderr.toString()).toBe('');
  });

  test('an unknown shell is refused', async () => {
    expect(await cliAt('http://127.0.0.1:1').cli(['completion', 'tcsh'])).toMatchObject({ code: 2 });
  });
});
