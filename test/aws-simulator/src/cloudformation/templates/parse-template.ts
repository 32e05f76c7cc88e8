import { type AwsError, validationError } from '../../errors/aws-error.ts';
import { isFields } from '../../policies/read-fields.ts';
import { RESOURCE_TYPES } from '../resources/resource-types.ts';
import { checkReferences } from './check-references.ts';
import { parseParameters } from './parse-parameters.ts';
import { readYaml } from './read-yaml.ts';
import type { Fields, OutputDefinition, ParameterGroup, ResourceDefinition, Template } from './template.ts';

/**
 * Reads a template as CloudFormation does when it validates one.
 *
 * @throws AwsError `ValidationError` also for what CloudFormation knows and this simulator does not: nothing is passed over
 */
export function parseTemplate(text: string): Template {
  const source = readYaml(text);
  if (!isFields(source)) throw formatError('the template is not an object');
  refuseOthers(source, 'the template', [
    'AWSTemplateFormatVersion',
    'Description',
    'Metadata',
    'Parameters',
    'Conditions',
    'Resources',
    'Outputs',
  ]);
  const version = source.AWSTemplateFormatVersion ?? '2010-09-09';
  if (version !== '2010-09-09') throw formatError('[/AWSTemplateFormatVersion] is not 2010-09-09');
  const metadata = fieldsAt(source.Metadata ?? {}, 'Metadata');
  const console = fieldsAt(
    metadata['AWS::CloudFormation::Interface'] ?? {},
    'AWS::CloudFormation::Interface',
  );
  const resources = fieldsAt(source.Resources, 'Resources');
  if (Object.keys(resources).length === 0) {
    throw formatError('At least one Resources member must be defined.');
  }
  const template: Template = {
    ...(typeof source.Description === 'string' && { description: source.Description }),
    parameters: parseParameters(
      fieldsAt(source.Parameters ?? {}, 'Parameters'),
      fieldsAt(console.ParameterLabels ?? {}, 'ParameterLabels'),
    ),
    groups: listAt(console.ParameterGroups, 'ParameterGroups').map(parseGroup),
    conditions: new Map(Object.entries(fieldsAt(source.Conditions ?? {}, 'Conditions'))),
    resources: mapOf(resources, parseResource),
    outputs: mapOf(fieldsAt(source.Outputs ?? {}, 'Outputs'), parseOutput),
  };
  checkReferences(template);
  return template;
}

function parseGroup(source: unknown): ParameterGroup {
  const group = fieldsAt(source, 'ParameterGroups');
  const label = fieldsAt(group.Label ?? {}, 'ParameterGroups.Label').default;
  return {
    ...(typeof label === 'string' && { label }),
    parameters: listAt(group.Parameters, 'ParameterGroups.Parameters').map(String),
  };
}

function parseResource(source: unknown, logicalId: string): ResourceDefinition {
  const at = `Resources/${logicalId}`;
  const resource = fieldsAt(source, at);
  refuseOthers(resource, at, [
    'Type',
    'Condition',
    'Properties',
    'DependsOn',
    'Metadata',
    'DeletionPolicy',
    'UpdateReplacePolicy',
  ]);
  if (!/^[A-Za-z0-9]{1,255}$/.test(logicalId)) {
    throw formatError(`Resource name ${logicalId} is non alphanumeric.`);
  }
  const { Type: type, DeletionPolicy: policy = 'Delete' } = resource;
  if (typeof type !== 'string' || RESOURCE_TYPES.find(type) === undefined) {
    throw formatError(`Unrecognized resource types: [${String(type)}]`);
  }
  if (policy !== 'Delete' && policy !== 'Retain') {
    throw formatError(`Unrecognized DeletionPolicy ${String(policy)}`);
  }
  return {
    type,
    ...conditionOf(resource, at),
    properties: fieldsAt(resource.Properties ?? {}, `${at}/Properties`),
    dependsOn:
      typeof resource.DependsOn === 'string'
        ? [resource.DependsOn]
        : listAt(resource.DependsOn, `${at}/DependsOn`).map(String),
    retained: policy === 'Retain',
  };
}

function parseOutput(source: unknown, name: string): OutputDefinition {
  const at = `Outputs/${name}`;
  const output = fieldsAt(source, at);
  refuseOthers(output, at, ['Value', 'Description', 'Condition', 'Export']);
  if (output.Value === undefined) throw formatError(`[/${at}] has no Value`);
  return {
    ...conditionOf(output, at),
    value: output.Value,
    ...(typeof output.Description === 'string' && { description: output.Description }),
  };
}

function conditionOf({ Condition: condition }: Fields, at: string): { readonly condition?: string } {
  if (condition === undefined) return {};
  if (typeof condition !== 'string') throw formatError(`[/${at}/Condition] is not the name of a condition`);
  return { condition };
}

function mapOf<Value>(fields: Fields, parse: (source: unknown, name: string) => Value): Map<string, Value> {
  return new Map(Object.entries(fields).map(([name, source]) => [name, parse(source, name)]));
}

function refuseOthers(fields: Fields, at: string, known: readonly string[]): void {
  const unknown = Object.keys(fields).filter((name) => !known.includes(name));
  if (unknown.length > 0)
    throw formatError(`Invalid property or properties [${unknown.join(', ')}] in ${at}`);
}

function fieldsAt(value: unknown, at: string): Fields {
  if (!isFields(value)) throw formatError(`[/${at}] is not an object`);
  return value;
}

function listAt(value: unknown, at: string): readonly unknown[] {
  if (value === undefined) return [];
  if (!Array.isArray(value)) throw formatError(`[/${at}] is not a list`);
  return value;
}

function formatError(message: string): AwsError {
  return validationError(`Template format error: ${message}`);
}
