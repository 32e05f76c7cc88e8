import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { done, start, tutorial } from '../../testing/connect-aws.ts';
import { fakeProgram } from '../../testing/fake-program.ts';
import { quickCreateUrl } from '../../testing/trust-setups.ts';

describe('the browser', () => {
  test('is given the link in a file, which is removed afterwards', async () => {
    const { service, connect, home } = await start();
    const browser = fakeProgram(home, 'my-browser');
    service.streams.push({ ...done, when: () => browser.started() !== undefined });
    const { code, stderr, stdout } = await connect(tutorial, {
      env: { BROWSER: 'my-browser', PATH: browser.path },
    });
    expect(code).toBe(0);
    expect(browser.started()?.page).toContain('SETUP-TOKEN');
    expect(browser.started()?.args.join()).not.toContain('SETUP-TOKEN');
    expect(readdirSync(join(home, 'config/browser'))).toEqual([]);
    expect(stderr).toContain('opened the AWS console in your browser');
    expect(stderr + stdout).not.toContain('SETUP-TOKEN');
  });

  test('that shows nothing is made up for at a terminal, where the link is written, too', async () => {
    const { connect, home } = await start(done);
    const browser = fakeProgram(home, 'my-browser');
    const setting = { env: { BROWSER: 'my-browser', PATH: browser.path }, interactive: true };
    const { stderr } = await connect(tutorial, setting);
    expect(stderr).toContain('if it does not show, open this link; it is for you alone:');
    expect(stderr.split('\n')).toContain(quickCreateUrl);
  });

  test.each([
    ['--no-browser', ['--no-browser'], {}, 'it is for you alone:'],
    ['an SSH session', [], { SSH_CONNECTION: 'x', DISPLAY: ':0' }, '(this is an SSH session)'],
    ['no terminal', [], { DISPLAY: ':0' }, '(nobody sits at a terminal)'],
    ['a browser that is not there', [], { BROWSER: 'no-such-browser' }, '(no browser could be started)'],
  ])('%s: the link is alone in its line', async (_, args, env, reason) => {
    const { connect } = await start(done);
    const { code, stderr, stdout } = await connect([...tutorial, ...args], { env });
    expect(code).toBe(0);
    expect(stderr).toContain(reason);
    expect(stderr.split('\n')).toContain(quickCreateUrl);
    expect(stdout).not.toContain('SETUP-TOKEN');
  });

  test('that is not there can be done without: the stack is made by commands for a shell', async () => {
    const { service, connect, home, url } = await start(done);
    const parameters = { RoleName: "it's $HOME", ExternalId: 'EXTERNAL-ID', EnableEks: 'true' };
    service.answer = { parameters };
    const { stderr } = await connect([...tutorial, '--no-browser']);
    const [, commands = ''] = stderr.split('or make the stack with the AWS CLI:\n\n');
    const [script = ''] = commands.split('\n\n');
    const fake = (name: string) => `${name}() { printf '%s|' ${name} "$@"; echo; };`;
    const shell = spawnSync('sh', ['-c', `${fake('curl')}${fake('aws')}\n${script}`], { cwd: home });
    expect(shell.stdout.toString().split('\n')).toEqual([
      `curl|-fsS|-o|planton-connect.yaml|${url}/aws/cloudformation-template.yaml|`,
      "aws|cloudformation|deploy|--stack-name|planton-connect-prod-aws-1a2b3c4d|--region|us-west-2|--template-file|planton-connect.yaml|--capabilities|CAPABILITY_NAMED_IAM|--parameter-overrides|RoleName=it's $HOME|ExternalId=EXTERNAL-ID|EnableEks=true|",
      '',
    ]);
    expect(script).not.toContain('SETUP-TOKEN');
  });

  test.each(['javascript:alert(1)', 'file:///etc/passwd', 'SETUP-TOKEN', ''])(
    'is not given %j',
    async (link) => {
      const { service, connect, home } = await start(done);
      const browser = fakeProgram(home, 'my-browser');
      service.answer = { quickCreateUrl: link };
      const { code, stderr } = await connect(tutorial, {
        env: { BROWSER: 'my-browser', PATH: browser.path },
      });
      expect({ code, started: browser.started() }).toEqual({ code: 1, started: undefined });
      expect(stderr).toContain('error: the server sent no link that a browser can open\n');
      expect(stderr).not.toContain(link || 'https:');
    },
  );
});
