import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { usage } from '../settings/read-settings.ts';

const folder = join(import.meta.dirname, '../../../../deploy/runner');
const text = (file: string) => readFileSync(join(folder, file), 'utf8');
const json = (file: string) => JSON.parse(text(file));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
  (file) => /\.\w+$/.test(file) && !file.startsWith('dist'),
);
const health =
  "fetch('http://127.0.0.1:8081/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))";
/** Seconds that a runner takes at most to end. */
const drainSeconds = 30;

describe('every file', () => {
  test.each(files.filter((file) => file.endsWith('.json')))('%s is JSON', (file) => {
    expect(json(file)).toBeTypeOf('object');
  });

  test.each(files)('%s names no registry, no account and no token', (file) => {
    const content = text(file);
    expect(content).not.toMatch(/\b\d{12}\b/);
    expect(content).not.toMatch(/dkr\.ecr|docker\.io|ghcr\.io|public\.ecr|quay\.io/);
    for (const [, image] of content.matchAll(/image"?:\s*"?([^\s"]+)|^IMAGE=(\S+)/gm))
      expect(image ?? 'REGISTRY/planton-runner:VERSION').toBe('REGISTRY/planton-runner:VERSION');
  });

  test.each(files)('%s sets only variables that the runner reads', (file) => {
    const named = text(file).matchAll(/\b(PLANTON_[A-Z_]+)(?=\s*[=":]|$)/gm);
    const variables = [...named]
      .map(([, name = '']) => name)
      .filter((name) => name !== 'PLANTON_RUNNER_IMAGE');
    for (const name of variables) expect(usage).toContain(name);
  });

  test.each(files.filter((file) => file.endsWith('policy.json')))('%s is a policy', (file) => {
    const { Version, Statement } = json(file);
    expect(Version).toBe('2012-10-17');
    for (const statement of Statement) {
      expect(statement.Effect).toBe('Allow');
      expect(statement.Action).toBeDefined();
      expect(statement.Principal ?? statement.Resource).toBeDefined();
      // An identity that may do everything is not what a runner needs.
      expect([statement.Action].flat()).not.toContain('*');
    }
  });
});

describe('EC2', () => {
  const unit = text('ec2/planton-runner.service');
  const setting = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(unit.replace(/\\\n/g, ''))?.[1];

  test('user data is a script that installs exactly the unit', () => {
    execFileSync('bash', ['-n', join(folder, 'ec2/user-data.sh')]);
    expect(text('ec2/user-data.sh')).toContain(`<<'UNIT'\n${unit}UNIT\n`);
    expect(text('ec2/user-data.sh')).toMatch(/^#!\/bin\/bash\n/);
    expect(text('ec2/user-data.sh')).toContain('--with-decryption');
    expect(text('ec2/user-data.sh')).toContain('umask 077');
  });

  test('the unit starts the image read-only with a folder to keep credentials in', () => {
    const start = setting('ExecStart') ?? '';
    for (const word of [
      '--read-only',
      '--cap-drop ALL',
      '--security-opt no-new-privileges',
      '--network host',
      '--env-file /etc/planton/runner.env',
      '--volume /var/lib/planton:/var/lib/planton',
    ])
      expect(start).toContain(word);
    expect(setting('ExecStartPre')).toContain('-o 1000 -g 1000 -m 0700 /var/lib/planton');
  });

  test('the unit waits for a drain, starts again, and not where that is of no use', () => {
    expect(Number(/--time (\d+)/.exec(setting('ExecStop') ?? '')?.[1])).toBeGreaterThanOrEqual(drainSeconds);
    expect(Number(setting('TimeoutStopSec'))).toBeGreaterThan(drainSeconds);
    expect(setting('Restart')).toBe('always');
    expect(setting('RestartPreventExitStatus')).toBe('4 5');
    expect(setting('WantedBy')).toBe('multi-user.target');
  });

  test('the role is for EC2', () => {
    expect(json('ec2/trust-policy.json').Statement[0].Principal).toEqual({ Service: 'ec2.amazonaws.com' });
  });
});

describe('ECS', () => {
  const task = json('ecs/task-definition.json');
  const [container, ...more] = task.containerDefinitions;

  test('the task has a role, one container, and nothing that it could write to', () => {
    expect(task).toMatchObject({
      family: 'planton-runner',
      networkMode: 'awsvpc',
      requiresCompatibilities: ['FARGATE'],
    });
    expect(task.taskRoleArn).toMatch(/:role\/planton-runner-task$/);
    expect(task.executionRoleArn).not.toBe(task.taskRoleArn);
    expect(more).toEqual([]);
    expect(container).toMatchObject({
      essential: true,
      user: '1000:1000',
      readonlyRootFilesystem: true,
      linuxParameters: { capabilities: { drop: ['ALL'] } },
    });
    expect(container.stopTimeout).toBeGreaterThan(drainSeconds);
  });

  test('the token comes from a secret, for an instance that keeps nothing', () => {
    expect(container.secrets).toMatchObject([{ name: 'PLANTON_RUNNER_TOKEN' }]);
    expect(container.environment).toContainEqual({ name: 'PLANTON_RUNNER_EPHEMERAL', value: 'true' });
    const [secret] = container.secrets;
    const [{ Resource }] = json('ecs/execution-role-policy.json').Statement;
    expect(Resource).toBe(`${secret.valueFrom}-*`);
  });

  test('health is asked as the image asks', () => {
    expect(container.healthCheck.command).toEqual(['CMD', 'node', '-e', health]);
    expect(container.environment).toContainEqual({ name: 'PLANTON_HEALTH_LISTEN', value: '127.0.0.1:8081' });
    expect(text('Dockerfile')).toContain(health);
  });

  test('the task role is for tasks of the account alone', () => {
    const [statement] = json('ecs/task-role-trust-policy.json').Statement;
    expect(statement.Principal).toEqual({ Service: 'ecs-tasks.amazonaws.com' });
    expect(statement.Condition.StringEquals).toEqual({ 'aws:SourceAccount': 'ACCOUNT_ID' });
  });
});

describe('EKS', () => {
  const documents = parseAllDocuments(text('eks/runner.yaml'));
  const objects = documents.map((document) => document.toJS());
  const find = (kind: string) => objects.find((each) => each.kind === kind);
  const account = find('ServiceAccount');
  const { spec } = find('Deployment');
  const pod = spec.template.spec;
  const [container, ...more] = pod.containers;

  test('every document is read without an error', () => {
    expect(documents.flatMap(({ errors, warnings }) => [...errors, ...warnings])).toEqual([]);
    expect(objects.map(({ kind }) => kind)).toEqual(['ServiceAccount', 'Deployment', 'PodDisruptionBudget']);
  });

  test('the service account has the role that trusts exactly it', () => {
    expect(account.metadata.annotations['eks.amazonaws.com/role-arn']).toMatch(
      /^arn:aws:iam::ACCOUNT_ID:role\//,
    );
    expect(pod.serviceAccountName).toBe(account.metadata.name);
    const [statement] = json('eks/irsa-trust-policy.json').Statement;
    expect(statement.Action).toBe('sts:AssumeRoleWithWebIdentity');
    expect(statement.Condition.StringEquals).toEqual({
      'OIDC_PROVIDER:aud': 'sts.amazonaws.com',
      'OIDC_PROVIDER:sub': `system:serviceaccount:${account.metadata.namespace}:${account.metadata.name}`,
    });
  });

  test('two pods run as a user that is not root, on a file system that is read-only', () => {
    expect(spec.replicas).toBe(2);
    expect(more).toEqual([]);
    expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1_000 });
    expect(container.securityContext).toEqual({
      readOnlyRootFilesystem: true,
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
    });
    expect(pod.automountServiceAccountToken).toBe(false);
    expect(pod.terminationGracePeriodSeconds).toBeGreaterThan(drainSeconds);
  });

  test('the token is a pool token of a secret, for instances that keep nothing', () => {
    const env = Object.fromEntries(container.env.map((each: { name: string }) => [each.name, each]));
    expect(env.PLANTON_RUNNER_TOKEN).toMatchObject({
      valueFrom: { secretKeyRef: { name: 'planton-runner', key: 'token' } },
    });
    expect(env.PLANTON_RUNNER_EPHEMERAL).toMatchObject({ value: 'true' });
    expect(text('eks/runner.yaml')).toContain('planton runner token create NAME --pool');
  });

  test('probes ask where the image answers', () => {
    expect(container.ports).toEqual([{ name: 'health', containerPort: 8081 }]);
    expect(container.livenessProbe.httpGet).toEqual({ path: '/healthz', port: 'health' });
    expect(container.readinessProbe.httpGet).toEqual({ path: '/readyz', port: 'health' });
    expect(text('Dockerfile')).toContain('PLANTON_HEALTH_LISTEN=0.0.0.0:8081');
  });

  test('labels, selectors and the disruption budget mean the same pods', () => {
    const labels = { 'app.kubernetes.io/name': 'planton-runner' };
    expect(spec.selector.matchLabels).toEqual(labels);
    expect(spec.template.metadata.labels).toEqual(labels);
    expect(find('PodDisruptionBudget').spec).toEqual({ minAvailable: 1, selector: { matchLabels: labels } });
  });
});
