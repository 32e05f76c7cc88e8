import { expect, test } from 'vitest';
import { findKind } from '../kinds/kind.ts';
import { explainKind } from './explain-kind.ts';

const aws = findKind('AWS');
if (!aws) throw new Error('no kind aws');

test('a kind is explained with its fields', () => {
  const explanation = explainKind(aws, []);
  expect(explanation).toMatchObject({ path: 'AwsProviderConnection', type: 'manifest' });
  expect('fields' in explanation && explanation.fields.map(({ name }) => name)).toEqual([
    'apiVersion',
    'kind',
    'metadata',
    'spec',
    'status',
  ]);
});

test('a field is explained with its type and its choices, by either spelling', () => {
  expect(explainKind(aws, ['spec', 'authMode'])).toMatchObject({
    path: 'AwsProviderConnection.spec.auth_mode',
    type: 'inline | cross_account_trust | runner',
    description: 'How to authenticate; inline when absent.',
    choices: [{ name: 'inline', description: 'With an access key that secrets hold.' }, {}, {}],
  });
  expect(explainKind(aws, ['spec', 'region'])).toMatchObject({ required: true, type: 'ValueOrVariable' });
});

test('every field of every message says what it is', () => {
  const spec = explainKind(aws, ['spec']);
  expect('fields' in spec && spec.fields.filter(({ description }) => description === '')).toEqual([]);
});

test('an unknown field is answered with the nearest', () => {
  expect(explainKind(aws, ['spec', 'regio'])).toEqual({
    unknown: 'AwsProviderConnection.spec has no field `regio`',
    suggestion: 'did you mean `region`?',
  });
  expect(explainKind(aws, ['kind', 'x'])).toMatchObject({ suggestion: 'it has no fields' });
});
