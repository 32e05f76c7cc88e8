import { create, equals, type Message } from '@bufbuild/protobuf';
import { AuthMode, AwsProviderConnectionSchema } from '@planton/api/connect/v1/aws_provider_connection';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { apiVersion, kinds, type ManifestMessage } from '../kinds/kind.ts';
import { readManifests } from '../read/read-manifests.ts';
import { formatProblem } from '../source/problem.ts';
import { arbitraryMessage } from '../testing/arbitrary-message.ts';
import { writeManifest } from './write-manifest.ts';

describe('writeManifest', () => {
  for (const kind of kinds) {
    test(`what is written of any ${kind.name} is read back as the same`, () => {
      const fixed = { api_version: apiVersion, kind: kind.name };
      const messages = arbitraryMessage(kind.schema, fixed).filter(hasWhatIsRequired(kind.name));
      fc.assert(
        fc.property(messages, (message) => {
          const yaml = writeManifest(message as ManifestMessage);
          const [document] = readManifests(yaml, { file: 'x.yaml' }).documents;
          if (!document?.message)
            throw new Error(`${document?.problems.map(formatProblem).join('\n')}\n${yaml}`);
          expect(equals(kind.schema, document.message, message)).toBe(true);
        }),
        { numRuns: 200 },
      );
    });
  }

  test('writes control characters so that they are read back', () => {
    const text = 'a\u007f\u0080\u0085\u009f\\';
    const message = create(AwsProviderConnectionSchema, {
      apiVersion,
      kind: 'AwsProviderConnection',
      metadata: { name: text, annotations: { [text]: text } },
      spec: {
        accountId: { source: { case: 'value', value: '012345678901' } },
        region: { source: { case: 'value', value: 'us-west-2' } },
      },
    });
    const [document] = readManifests(writeManifest(message), { file: 'x.yaml' }).documents;
    expect(document?.problems).toEqual([]);
    expect(document?.message).toMatchObject({ metadata: { name: text, annotations: { [text]: text } } });
  });

  test('writes snake_case, short enum names, quotes what looks like a number, leaves out what is empty', () => {
    const message = create(AwsProviderConnectionSchema, {
      apiVersion,
      kind: 'AwsProviderConnection',
      metadata: { name: 'on', labels: { b: 'yes', a: '2026-01-31' } },
      spec: {
        authMode: AuthMode.CROSS_ACCOUNT_TRUST,
        accountId: { source: { case: 'value', value: '012345678901' } },
        region: { source: { case: 'variable', value: 'aws-region' } },
      },
    });
    expect(writeManifest(message)).toBe(`apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata:
  name: "on"
  labels:
    a: "2026-01-31"
    b: "yes"
spec:
  auth_mode: cross_account_trust
  account_id:
    value: "012345678901"
  region:
    variable: aws-region
`);
  });
});

function hasWhatIsRequired(kind: string): (message: Message) => boolean {
  const connection = kind === 'AwsProviderConnection';
  return (message) =>
    'spec' in message &&
    message.spec !== undefined &&
    (!connection || ('metadata' in message && message.metadata !== undefined));
}
