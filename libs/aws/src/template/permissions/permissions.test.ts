import { describe, expect, test } from 'vitest';
import { PARTITIONS } from '../../partitions/partition.ts';
import {
  AWS_CAPABILITIES,
  type AwsCapability,
  capabilityParameter,
  capabilityPolicyKind,
  capabilityPolicyName,
} from '../capability.ts';
import { capabilityPolicy } from '../capability-policy.ts';
import { ownStackPolicy } from '../own-stack-policy.ts';
import type { PolicyStatement } from '../policy-document.ts';
import { renderTemplate } from '../render-template.ts';
import { evaluateTemplate, type Resource, readTemplate } from '../testing/evaluate-template.ts';
import { ACCOUNT_ID as accountId, REQUIRED } from '../testing/parameters.ts';

const template = readTemplate(renderTemplate());
const partitions = PARTITIONS.map(({ id }) => id);

/** What IAM allows. */
const INLINE_TOGETHER = 10_240;
const MANAGED = 6144;
const MANAGED_OF_A_ROLE = 10;

const list = <T>(value: T | readonly T[] | undefined) => [value ?? []].flat() as T[];
const size = (policy: unknown) => JSON.stringify(policy).replaceAll(/\s/g, '').length;
const statementsOf = (name: AwsCapability): readonly PolicyStatement[] =>
  capabilityPolicy(name, { partition: 'aws', accountId }).Statement;
const all = AWS_CAPABILITIES.flatMap((name) => statementsOf(name).map((each) => ({ name, ...each })));

interface Attached {
  readonly kind: 'inline' | 'managed';
  readonly name?: unknown;
  readonly document: unknown;
}

/** The policies of the role, as CloudFormation would attach them. */
function attachedTo(role: Resource | undefined, resources: Readonly<Record<string, Resource>>): Attached[] {
  const own = role?.Properties.Policies as { PolicyName: string; PolicyDocument: unknown }[];
  return [
    ...own.map(
      (each): Attached => ({ kind: 'inline', name: each.PolicyName, document: each.PolicyDocument }),
    ),
    ...Object.values(resources).flatMap(({ Type, Properties }): Attached[] => {
      const document = Properties.PolicyDocument;
      if (Type === 'AWS::IAM::RolePolicy' && Properties.RoleName === 'ref(Role)') {
        return [{ kind: 'inline', name: Properties.PolicyName, document }];
      }
      const roles = Type === 'AWS::IAM::ManagedPolicy' ? list(Properties.Roles) : [];
      return roles.includes('ref(Role)') ? [{ kind: 'managed', document }] : [];
    }),
  ];
}

describe.each(partitions)('in partition %s', (partition) => {
  const expected = new Map(
    AWS_CAPABILITIES.map((name): [AwsCapability, Attached] => {
      const document = capabilityPolicy(name, { partition, accountId });
      const kind = capabilityPolicyKind(name);
      return [
        name,
        kind === 'inline' ? { kind, name: capabilityPolicyName(name), document } : { kind, document },
      ];
    }),
  );
  const region = PARTITIONS.find(({ id }) => id === partition)?.regions[0]?.name ?? '';
  const ownStack: Attached = {
    kind: 'inline',
    name: 'planton-own-stack',
    document: ownStackPolicy({ partition, accountId, region, stackName: 'stack' }),
  };

  test('each of the 1,024 sets of capabilities gives exactly its policies, within the limits of IAM', () => {
    let sets = 0;
    for (let bits = 0; bits < 2 ** AWS_CAPABILITIES.length; bits++) {
      const chosen = AWS_CAPABILITIES.filter((_, index) => bits & (1 << index));
      const switches = AWS_CAPABILITIES.map((name) => [
        capabilityParameter(name),
        String(chosen.includes(name)),
      ]);
      const { resources } = evaluateTemplate(
        template,
        { ...REQUIRED, ...Object.fromEntries(switches) },
        partition,
      );
      const attached = attachedTo(resources.Role, resources);
      expect(attached).toEqual([ownStack, ...chosen.map((name) => expected.get(name))]);
      expect(Object.keys(resources)).toHaveLength(1 + chosen.length);
      const managed = attached.filter(({ kind }) => kind === 'managed');
      const inline = attached.filter(({ kind }) => kind === 'inline');
      expect(managed.length).toBeLessThanOrEqual(MANAGED_OF_A_ROLE);
      for (const { document } of managed) expect(size(document)).toBeLessThanOrEqual(MANAGED);
      // The name of the stack, five letters here, has up to 128.
      const together = inline.reduce((sum, { document }) => sum + size(document), 123);
      expect(together).toBeLessThanOrEqual(INLINE_TOGETHER);
      sets++;
    }
    expect(sets).toBe(1024);
  }, 120_000);

  test('each policy fits into a managed one, for whoever makes the role without the template', () => {
    for (const name of AWS_CAPABILITIES) {
      expect(size(capabilityPolicy(name, { partition, accountId })), name).toBeLessThanOrEqual(MANAGED);
    }
  });

  test('policies name this partition and no other, and nothing is left to substitute', () => {
    const text = JSON.stringify([...expected.values(), ownStack]);
    expect(text).not.toContain('${');
    const named = [...text.matchAll(/arn:(aws[a-z-]*):/g)].map(([, id]) => id);
    expect(new Set(named)).toEqual(new Set([partition]));
  });
});

test('statements are well formed and have names of their own', () => {
  for (const name of AWS_CAPABILITIES) {
    const sids = statementsOf(name).map(({ Sid }) => Sid);
    expect(new Set(sids).size, name).toBe(sids.length);
  }
  for (const { name, Sid, Effect, Action, Resource, ...rest } of all) {
    expect(Sid).toMatch(/^[A-Za-z0-9]+$/);
    expect(Effect).toBe('Allow');
    expect(list(Action).length, `${name} ${Sid}`).toBeGreaterThan(0);
    expect(new Set(list(Action)).size, `${name} ${Sid}`).toBe(list(Action).length);
    expect(list(Resource).length, `${name} ${Sid}`).toBeGreaterThan(0);
    expect(Object.keys(rest).filter((key) => key !== 'Condition')).toEqual([]);
  }
});

test('actions are named, with a wildcard at most at the end of a name', () => {
  for (const action of all.flatMap(({ Action }) => list(Action))) {
    expect(action).toMatch(/^[a-z0-9-]+:[A-Z][A-Za-z0-9]+\*?$/);
    // Of what changes something, more than a verb is named.
    if (action.endsWith('*') && !/:(?:Describe|List|Get)\*$/.test(action)) {
      expect(action).toMatch(/^[a-z0-9-]+:[A-Z][a-z]+[A-Z]/);
    }
  }
});

test('what applies to everything reads, creates, or cannot be limited further', () => {
  const free = all.filter(({ Resource, Condition }) => list(Resource).includes('*') && !Condition);
  const actions = free.flatMap(({ Action }) => list(Action)).map((action) => action.split(':')[1] ?? '');
  const others = actions.filter((action) => !/^(?:Describe|Get|List)/.test(action));
  expect([...new Set(others)].toSorted()).toEqual([
    'CreateCluster',
    'CreateHealthCheck',
    'CreateHostedZone',
    'CreateKey',
    'CreateLogDelivery',
    'DeleteAnomalyDetector',
    'DeleteLogDelivery',
    'DeregisterTaskDefinition',
    'PutAnomalyDetector',
    'PutMetricData',
    'StopQuery',
  ]);
  const conditional = all.filter(({ Resource, Condition }) => list(Resource).includes('*') && Condition);
  expect(conditional.flatMap(({ Action }) => list(Action))).toEqual([
    'ec2:RunInstances',
    'lambda:CreateEventSourceMapping',
  ]);
});

describe('nothing lets the role become more than it is', () => {
  const iam = all.flatMap((each) =>
    list(each.Action)
      .filter((action) => /^(?:iam|sts|organizations|account|cloudformation|sso)/.test(action))
      .map((action) => ({ ...each, action })),
  );

  test('of IAM it has what is listed here', () => {
    expect([...new Set(iam.map(({ action }) => action))].toSorted()).toEqual([
      'iam:CreateOpenIDConnectProvider',
      'iam:CreateServiceLinkedRole',
      'iam:DeleteOpenIDConnectProvider',
      'iam:GetOpenIDConnectProvider',
      'iam:GetRole',
      'iam:ListAttachedRolePolicies',
      'iam:PassRole',
      'iam:TagOpenIDConnectProvider',
      'iam:UntagOpenIDConnectProvider',
    ]);
  });

  test.each([
    ['iam:PassRole', 'iam:PassedToService', /^[a-z0-9.-]+\.amazonaws\.com$/],
    ['iam:CreateServiceLinkedRole', 'iam:AWSServiceName', /^[a-z0-9.-]+\.amazonaws\.com$/],
  ])('%s is always limited by %s', (action, key, service) => {
    const statements = iam.filter((each) => each.action === action);
    expect(statements.length).toBeGreaterThan(0);
    for (const { Action, Resource, Condition } of statements) {
      expect(list(Action)).toEqual([action]);
      expect(list(Resource).join()).toMatch(/^arn:aws:iam::210987654321:role\/(?:aws-service-role\/)?\*$/);
      expect(Object.keys(Condition ?? {})).toEqual(['StringEquals']);
      const services = list(Condition?.StringEquals?.[key]);
      expect(services.length).toBeGreaterThan(0);
      for (const each of services) expect(each).toMatch(service);
    }
  });

  test('no role is handed to EC2, where instances could be started as it', () => {
    expect(JSON.stringify(iam)).not.toMatch(/"(?:ec2|autoscaling)\./);
  });

  test('identity providers are those of EKS clusters alone', () => {
    for (const { action, Resource } of iam.filter(({ action }) => action.includes('OpenIDConnect'))) {
      expect(Resource, action).toBe('arn:aws:iam::210987654321:oidc-provider/oidc.eks.*');
    }
  });

  test('data is neither read from buckets nor decrypted, functions are not invoked, snapshots not shared', () => {
    const text = JSON.stringify(all.map(({ Action }) => Action));
    for (const action of [
      's3:GetObject',
      's3:PutObject',
      'kms:Decrypt',
      'lambda:InvokeFunction',
      'rds:ModifyDBSnapshot',
      'ecs:ExecuteCommand',
      'secretsmanager:GetSecretValue',
    ]) {
      expect(text).not.toContain(action);
    }
  });
});
