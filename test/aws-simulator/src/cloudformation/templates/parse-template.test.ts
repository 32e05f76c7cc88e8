import { describe, expect, test } from 'vitest';
import { connectionTemplate } from '../../testing/connection-template.ts';
import { checkParameters } from './check-parameters.ts';
import { orderResources } from './order-resources.ts';
import { parseTemplate } from './parse-template.ts';
import { requiredCapabilities } from './required-capabilities.ts';

const LOGS = '{Type: AWS::Logs::LogGroup}';
const template = (lines: string) =>
  `Parameters: {P: {Type: String}}\nConditions: {C: !Equals [a, a]}\n${lines}`;

describe('a template that is not understood whole is refused', () => {
  test.each([
    ['[]', 'the template is not an object'],
    [template(`Resources: {}`), 'At least one Resources member must be defined.'],
    [
      template(`Resources: {A: ${LOGS}}\nMappings: {}`),
      'Invalid property or properties [Mappings] in the template',
    ],
    [template(`Resources: {A: ${LOGS}}\nTransform: AWS::Serverless`), 'properties [Transform]'],
    [template(`Resources: {A: ${LOGS}}\nAWSTemplateFormatVersion: 2010-09-08`), 'is not 2010-09-09'],
    [template(`Resources: {A: {Type: AWS::S3::Bucket}}`), 'Unrecognized resource types: [AWS::S3::Bucket]'],
    [template(`Resources: {A: {Type: 'Custom::'}}`), 'Unrecognized resource types: [Custom::]'],
    [template(`Resources: {A-b: ${LOGS}}`), 'Resource name A-b is non alphanumeric.'],
    [
      template(`Resources: {A: {Type: AWS::Logs::LogGroup, CreationPolicy: {}}}`),
      'properties [CreationPolicy]',
    ],
    [
      template(`Resources: {A: {Type: AWS::Logs::LogGroup, DeletionPolicy: Snapshot}}`),
      'Unrecognized DeletionPolicy',
    ],
    [template(`Resources: {A: {Type: AWS::Logs::LogGroup, Condition: D}}`), 'Unrecognized condition D'],
    [
      template(`Resources: {A: {Type: AWS::Logs::LogGroup, DependsOn: B}}`),
      'Unresolved resource dependencies [B]',
    ],
    [
      template(`Resources: {A: {Type: AWS::Logs::LogGroup, Properties: {Tags: !If [C, [], !Ref Missing]}}}`),
      'Unresolved resource dependencies [Missing] in the Resources block',
    ],
    [
      template(`Resources: {A: {Type: AWS::Logs::LogGroup, Properties: {Tags: !If [D, [], []]}}}`),
      'Unrecognized condition D',
    ],
    [
      template(`Resources: {A: {Type: AWS::Logs::LogGroup, Properties: {Tags: !Sub '\${Missing.Arn}'}}}`),
      'references undefined resource Missing',
    ],
    [template(`Resources: {A: ${LOGS}}\nOutputs: {O: {Value: !Ref Missing}}`), 'in the Outputs block'],
    [template(`Resources: {A: ${LOGS}}\nOutputs: {O: {}}`), 'has no Value'],
    [
      template(`Resources:
  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Ref B}}
  B: {Type: AWS::Logs::LogGroup, DependsOn: [A]}`),
      'Circular dependency between resources: [A, B]',
    ],
    [`Parameters: {P: {Type: CommaDelimitedList}}\nResources: {A: ${LOGS}}`, 'Unrecognized parameter type'],
    [`Parameters: {P: {Type: String, Extra: 1}}\nResources: {A: ${LOGS}}`, 'Invalid property Extra'],
    [
      `Parameters: {P: {Type: String, AllowedPattern: '('}}\nResources: {A: ${LOGS}}`,
      'not a regular expression',
    ],
  ])('%#', (text, message) => {
    expect(() => parseTemplate(text)).toThrow(message);
  });
});

test('resources come after all that they depend on, otherwise in their order', () => {
  const { resources } = parseTemplate(`Resources:
  C: {Type: AWS::Logs::LogGroup, DependsOn: D}
  A: {Type: AWS::Logs::LogGroup, Properties: {LogGroupName: !Sub 'x-\${B}'}}
  B: {Type: AWS::Logs::LogGroup, Properties: {Tags: !If [X, [{Key: a, Value: !GetAtt C.Arn}], []]}}
  D: {Type: AWS::Logs::LogGroup}
Conditions: {X: !Equals [a, b]}`);
  expect(orderResources(resources)).toEqual(['D', 'C', 'B', 'A']);
});

test('capabilities are those of what is in the template', () => {
  const capabilities = (text: string) => requiredCapabilities(parseTemplate(text));
  expect(capabilities(connectionTemplate())).toEqual(['CAPABILITY_NAMED_IAM']);
  expect(capabilities('Resources: {A: {Type: AWS::IAM::Role}}')).toEqual(['CAPABILITY_IAM']);
  expect(capabilities(`Resources: {A: ${LOGS}}`)).toEqual([]);
});

describe('parameters', () => {
  const { parameters } = parseTemplate(`Parameters:
  Needed: {Type: String}
  Also: {Type: String}
  Preset: {Type: Number, Default: 3600}
  Pattern: {Type: String, Default: ab, AllowedPattern: 'a|b+|ab'}
Resources: {A: ${LOGS}}`);

  test('are given, kept, or have their defaults', () => {
    const given = { Needed: '', Also: 'x' };
    expect(Object.fromEntries(checkParameters(parameters, given))).toEqual({
      ...given,
      Preset: '3600',
      Pattern: 'ab',
    });
    const previous = new Map([
      ['Needed', 'kept'],
      ['Preset', '1'],
    ]);
    expect(Object.fromEntries(checkParameters(parameters, { Also: 'y' }, previous))).toEqual({
      Needed: 'kept',
      Also: 'y',
      Preset: '1',
      Pattern: 'ab',
    });
  });

  test.each([
    [{}, 'Parameters: [Needed, Also] must have values'],
    [
      { Needed: '', Also: '', Other: '', constructor: '' },
      'Parameters: [Other, constructor] do not exist in the template',
    ],
    [{ Needed: 'x'.repeat(4_097), Also: '' }, "Parameter 'Needed' must contain at most 4096 characters"],
    [{ Needed: '', Also: '', Pattern: 'ac' }, "Parameter 'Pattern' must match pattern a|b+|ab"],
    [{ Needed: '', Also: '', Pattern: 'ab\n' }, "Parameter 'Pattern' must match pattern"],
    [{ Needed: '', Also: '', Preset: '' }, "Parameter 'Preset' must be a number"],
  ])('%j', (given, message) => {
    expect(() => checkParameters(parameters, given as Record<string, string>)).toThrow(message);
  });
});
