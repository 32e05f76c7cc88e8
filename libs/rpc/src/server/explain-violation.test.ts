import { create, ScalarType } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { expect, test } from 'vitest';
import { explainViolation } from './explain-violation.ts';

test('no text field of a request is refused with a regular expression', () => {
  const validator = createValidator();
  const seen = new Set<string>();
  for (const method of [ConfigManager, ConnectionService, Identity].flatMap(({ methods }) => methods)) {
    const request = reflect(method.input, create(method.input));
    for (const field of method.input.fields) {
      if (field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING) request.set(field, 'No \0 !');
    }
    for (const { message } of validator.validate(method.input, request.message).violations ?? [])
      seen.add(explainViolation(message));
  }
  expect(seen).toContain('must not hold a NUL character');
  expect(seen).toContain('must be lowercase letters and digits, joined by single hyphens, such as my-name-1');
  expect([...seen].filter((message) => message.includes('regex'))).toEqual([]);
});

test('other messages stay as they are', () => {
  expect(explainViolation('must be at most 63 characters')).toBe('must be at most 63 characters');
});
