const names = [
  'uid',
  'organization_uid',
  'runner_uid',
  'kind',
  'state',
  'attempt',
  'instance_uid',
  'requester_replica_uid',
  'connection_slug',
  'requested_by',
  'create_time',
  'start_time',
  'end_time',
  'deadline',
  'output',
  'error',
];

/** The columns of a `StoredOperation`, for a `select` from what is called `alias`. */
export function operationColumns(alias: string): string {
  return names.map((name) => `${alias}.${name}`).join(', ');
}

/** The column that makes a `StoredOperation` an `OperationRow`, where `runner` is joined as `r`. */
export const RUNNER_SLUG = `case when r.organization_uid = '' then '' else coalesce(r.slug, '') end as runner_slug`;
