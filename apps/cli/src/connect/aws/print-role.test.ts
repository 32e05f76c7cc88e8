import { describe, expect, test } from 'vitest';
import { done, start, tutorial } from '../../testing/connect-aws.ts';

describe('a role that is made without the stack', () => {
  test('is described as JSON, and nothing is waited for', async () => {
    const { service, connect } = await start(done);
    const args = ['--permissions-boundary', 'arn:aws:iam::123456789012:policy/b', '--capabilities', 'eks'];
    const { code, stdout, stderr } = await connect([...tutorial, ...args, '-o', 'json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      setup_uid: 'setup-1',
      connection: 'prod-aws',
      account_id: '123456789012',
      region: 'us-west-2',
      capabilities: ['eks'],
      role: {
        name: 'PlantonConnect-prod-aws-1a2b3c4d',
        arn: 'arn:aws:iam::123456789012:role/PlantonConnect-prod-aws-1a2b3c4d',
        principal_arn: 'arn:aws:iam::999999999999:role/platform',
        external_id: 'EXTERNAL-ID',
        trust_policy: { Version: '2012-10-17', Statement: [] },
        policies: [{ name: 'eks', document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow' }] } }],
        max_session_duration: 3600,
        permissions_boundary_arn: 'arn:aws:iam::123456789012:policy/b',
      },
      expire_time: '2026-03-02T12:00:00Z',
    });
    expect(stderr).toContain('by itself as soon as the role is there');
    expect(stderr).toContain(
      'wait for it with: planton connect aws --name prod-aws --org your-org --account-id 123456789012 --capabilities eks --permissions-boundary arn:aws:iam::123456789012:policy/b --no-stack\n',
    );
    expect(stderr).not.toContain('EXTERNAL-ID');
    expect(service.begun).toMatchObject([{ withoutStack: true }]);
    expect(service.watched).toEqual([]);
  });

  test('is described as YAML that keeps text text', async () => {
    const { connect } = await start(done);
    const { stdout } = await connect([...tutorial, '-o', 'yaml']);
    expect(stdout).toContain('account_id: "123456789012"\n');
    expect(stdout).toContain('  trust_policy:\n    Version: "2012-10-17"\n');
    expect(stdout).not.toContain('permissions_boundary_arn');
  });

  test('is waited for with --no-stack, which says how it has to be', async () => {
    const { service, connect } = await start(done);
    const { code, stdout, stderr } = await connect([...tutorial, '--no-stack']);
    expect(code).toBe(0);
    expect(service.begun).toMatchObject([{ withoutStack: true }]);
    expect(stderr).toContain(
      'make the role arn:aws:iam::123456789012:role/PlantonConnect-prod-aws-1a2b3c4d as this describes it: planton connect aws --name prod-aws --org your-org --account-id 123456789012 -o json\n',
    );
    expect(stderr).toContain('waiting for the role to let the server in');
    expect(stdout + stderr).not.toMatch(/EXTERNAL-ID|SETUP-TOKEN/);
  });

  test.each(['{', '"text"', 'null', 'EXTERNAL-ID'])(
    'that is described by %j is refused',
    async (trustPolicy) => {
      const { service, connect } = await start(done);
      const role = {
        name: 'a',
        arn: 'b',
        principalArn: '',
        externalId: '',
        policies: [],
        maxSessionDuration: 1,
      };
      service.answer = { role: { ...role, trustPolicy, permissionsBoundaryArn: '' } as never };
      const { code, stdout, stderr } = await connect([...tutorial, '-o', 'json']);
      expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
      expect(stderr).not.toContain('EXTERNAL-ID');
    },
  );
});
