import type { MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { ApiKeySchema } from '@planton/api/identity/v1/api_key';
import { roleOf, subjectKindOf } from '../members/role.ts';
import type { SeenApiKey } from './api-key-store.ts';

export function apiKeyMessage(key: SeenApiKey): MessageInitShape<typeof ApiKeySchema> {
  return {
    uid: key.uid,
    name: key.name,
    prefix: key.prefix,
    lastCharacters: key.last_characters,
    subjectUid: key.subject_uid,
    subjectKind: subjectKindOf(key.kind),
    subjectName: key.subject_name,
    createTime: timestampFromDate(key.create_time),
    ...(key.role && { role: roleOf(key.role) }),
    ...(key.expire_time && { expireTime: timestampFromDate(key.expire_time) }),
    ...(key.last_use_time && { lastUseTime: timestampFromDate(key.last_use_time) }),
  };
}
