import type { PartitionId } from '@planton/aws';
import { findPartition } from '@planton/aws';
import type { AccessKey, Account, ManagedPolicy, Role, User } from '../identities/identity.ts';
import type { PolicyDocument } from '../policies/identity-policy.ts';
import {
  type Fields,
  listAt,
  mapAt,
  numberAt,
  objectAt,
  placeOf,
  readJson,
  textAt,
  textsAt,
} from './read-fields.ts';

/**
 * Reads `{"accounts": [{"id", "users": [{"name", "accessKeys": [{"accessKeyId", "secretAccessKey"}]}], "roles": [{"name",
 * "trustPolicy": {…}}], "managedPolicies": [{"name", "document": {…}}]}]}`. The last two, all else of a role that `Role` has,
 * the `partition` and the `status` of a key may be left out.
 *
 * @throws Error that names the place that is wrong, never a value
 */
export function parseAccounts(text: string): readonly Account[] {
  return readAccounts(objectAt(readJson(text), 'the configuration'));
}

export function readAccounts(configuration: Fields): readonly Account[] {
  return listAt(configuration, 'accounts', '').map(([account, at]) => ({
    id: textAt(account, 'id', at),
    partition: partitionAt(account, at),
    users: listAt(account, 'users', at).map(
      ([user, userAt]): User => ({
        name: textAt(user, 'name', userAt),
        accessKeys: listAt(user, 'accessKeys', userAt).map(
          ([key, keyAt]): AccessKey => ({
            accessKeyId: textAt(key, 'accessKeyId', keyAt),
            secretAccessKey: textAt(key, 'secretAccessKey', keyAt),
            status: statusAt(key, keyAt),
          }),
        ),
      }),
    ),
    ...(account.roles !== undefined && {
      roles: listAt(account, 'roles', at).map(([role, roleAt]) => readRole(role, roleAt)),
    }),
    ...(account.managedPolicies !== undefined && {
      managedPolicies: listAt(account, 'managedPolicies', at).map(readPolicy),
    }),
  }));
}

function readRole(role: Fields, at: string): Role {
  return {
    name: textAt(role, 'name', at),
    ...(role.path !== undefined && { path: textAt(role, 'path', at) }),
    trustPolicy: documentAt(role, 'trustPolicy', at),
    ...(role.maxSessionDuration !== undefined && {
      maxSessionDuration: numberAt(role, 'maxSessionDuration', at),
    }),
    ...(role.policies !== undefined && { policies: mapAt(role, 'policies', at, documentAt) }),
    ...(role.managedPolicyArns !== undefined && {
      managedPolicyArns: textsAt(role, 'managedPolicyArns', at),
    }),
    ...(role.permissionsBoundaryArn !== undefined && {
      permissionsBoundaryArn: textAt(role, 'permissionsBoundaryArn', at),
    }),
    ...(role.tags !== undefined && { tags: mapAt(role, 'tags', at, textAt) }),
  };
}

function readPolicy([policy, at]: readonly [Fields, string]): ManagedPolicy {
  return {
    name: textAt(policy, 'name', at),
    ...(policy.path !== undefined && { path: textAt(policy, 'path', at) }),
    document: documentAt(policy, 'document', at),
  };
}

function documentAt(fields: Fields, name: string, at: string): PolicyDocument {
  return objectAt(fields[name], placeOf(name, at));
}

function partitionAt(fields: Fields, at: string): PartitionId {
  const id = fields.partition === undefined ? 'aws' : textAt(fields, 'partition', at);
  const partition = findPartition(id);
  if (partition === undefined) throw new Error(`${at}.partition is not aws, aws-us-gov or aws-cn`);
  return partition.id;
}

function statusAt(fields: Fields, at: string): 'Active' | 'Inactive' {
  const status = fields.status ?? 'Active';
  if (status !== 'Active' && status !== 'Inactive') {
    throw new Error(`${at}.status is not Active or Inactive`);
  }
  return status;
}
