import type { PolicyStatement } from '../policy-document.ts';
import { ACCOUNT_ID, PARTITION } from '../pseudo-parameters.ts';

/** The region is left open: a connection is not limited to the region of its stack. */
export function ownArn(service: string, resource: string): string {
  return `arn:${PARTITION}:${service}:*:${ACCOUNT_ID}:${resource}`;
}

/** Allows actions of one service, given without its prefix. */
export function allow(
  sid: string,
  service: string,
  actions: readonly string[],
  resources: string | readonly string[],
  condition?: PolicyStatement['Condition'],
): PolicyStatement {
  return {
    Sid: sid,
    Effect: 'Allow',
    Action: actions.map((action) => `${service}:${action}`),
    Resource: resources,
    ...(condition ? { Condition: condition } : {}),
  };
}

/** Lets roles that exist be handed to these services, and to nobody else. */
export function passRolesTo(...services: readonly string[]): PolicyStatement {
  return allow('PassRole', 'iam', ['PassRole'], `arn:${PARTITION}:iam::${ACCOUNT_ID}:role/*`, {
    StringEquals: { 'iam:PassedToService': services },
  });
}

/** Lets the roles be made that AWS itself defines for these services, and no others. */
export function createServiceLinkedRolesOf(...services: readonly string[]): PolicyStatement {
  return allow(
    'ServiceLinkedRole',
    'iam',
    ['CreateServiceLinkedRole'],
    `arn:${PARTITION}:iam::${ACCOUNT_ID}:role/aws-service-role/*`,
    { StringEquals: { 'iam:AWSServiceName': services } },
  );
}

/** Reading the networks that a service is put into. None of these actions can be limited to resources. */
export function describeNetworks(...more: readonly string[]): PolicyStatement {
  return allow(
    'Networks',
    'ec2',
    ['DescribeVpcs', 'DescribeSubnets', 'DescribeSecurityGroups', ...more],
    '*',
  );
}
