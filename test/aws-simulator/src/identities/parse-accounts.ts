import type { PartitionId } from '@planton/aws';
import { findPartition } from '@planton/aws';
import type { AccessKey, Account, Role, User } from './identity.ts';

/**
 * Reads `{"accounts": [{"id", "users": [{"name", "accessKeys": [{"accessKeyId", "secretAccessKey"}]}], "roles": [{"name",
 * "trustPolicy": {…}}]}]}`. Roles, their `path` and `maxSessionDuration`, the `partition` and the `status` of a key may be left out.
 *
 * @throws Error that names the place that is wrong, never a value
 */
export function parseAccounts(text: string): readonly Account[] {
  return listAt(objectAt(readJson(text), 'the configuration'), 'accounts', '').map(([account, at]) => ({
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
  }));
}

function readRole(role: Fields, at: string): Role {
  return {
    name: textAt(role, 'name', at),
    ...(role.path !== undefined && { path: textAt(role, 'path', at) }),
    trustPolicy: objectAt(role.trustPolicy, `${at}.trustPolicy`),
    ...(role.maxSessionDuration !== undefined && {
      maxSessionDuration: numberAt(role, 'maxSessionDuration', at),
    }),
  };
}

type Fields = Readonly<Record<string, unknown>>;

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // The parser's own message quotes the text, which holds keys.
    throw new Error('the configuration is not JSON');
  }
}

function objectAt(value: unknown, at: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${at} is not an object`);
  }
  return value as Fields;
}

function listAt(fields: Fields, name: string, at: string): readonly (readonly [Fields, string])[] {
  const value = fields[name];
  const place = at === '' ? name : `${at}.${name}`;
  if (!Array.isArray(value)) throw new Error(`${place} is not a list`);
  return value.map((item: unknown, index) => {
    const itemAt = `${place}[${index}]`;
    return [objectAt(item, itemAt), itemAt];
  });
}

function textAt(fields: Fields, name: string, at: string): string {
  const value = fields[name];
  if (typeof value !== 'string') throw new Error(`${at}.${name} is not a string`);
  return value;
}

function numberAt(fields: Fields, name: string, at: string): number {
  const value = fields[name];
  if (typeof value !== 'number') throw new Error(`${at}.${name} is not a number`);
  return value;
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
