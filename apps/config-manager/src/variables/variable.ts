import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { type Variable, VariableSchema } from '@planton/api/config/v1/variable';
import { type DomainError, missing, type Scope } from '@planton/rpc';
import type { Selectable } from 'kysely';
import { etagOf } from '../etag.ts';
import { describeLevel, environmentFlag } from '../level.ts';
import type { VariableTable } from '../schema.ts';

export type StoredVariable = Selectable<VariableTable>;

export function variableMessage(variable: StoredVariable, { organization, environment }: Scope): Variable {
  return create(VariableSchema, {
    uid: variable.uid,
    slug: variable.slug,
    org: organization.slug,
    environment: environment?.slug ?? '',
    value: variable.value,
    etag: etagOf(variable),
    createTime: timestampFromDate(variable.create_time),
    updateTime: timestampFromDate(variable.update_time),
    updatedBy: variable.updated_by,
  });
}

export function variableNotFound(slug: string, scope: Scope): DomainError {
  return missing('VARIABLE_NOT_FOUND', `variable "${slug}" does not exist in ${describeLevel(scope)}`, {
    hint: `planton variable list${environmentFlag(scope)}`,
    metadata: { slug },
  });
}
