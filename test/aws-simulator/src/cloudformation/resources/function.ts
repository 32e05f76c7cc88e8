import type { LambdaFunction } from '../../lambda/functions.ts';
import { trustsService } from '../../trust/decide-trust.ts';
import { nameFor, readProperties } from './read-properties.ts';
import { type Made, ResourceFailure, type ResourceRequest, type ResourceType } from './resource-type.ts';

/** AWS::Lambda::Function, of Node and with its code in the template. */
export const lambdaFunction: ResourceType = {
  create: async (request) => make(request),
  update: async (request, { properties, made }) => {
    const [before, after] = [read(request, properties), read(request)];
    if (before.name !== after.name) return make(request);
    request.world.functions.put({ ...after, name: made.physicalId, arn: String(made.attributes.Arn) });
    return made;
  },
  delete: async ({ world }, { attributes }) => world.functions.delete(String(attributes.Arn)),
};

function make(request: ResourceRequest): Made {
  const { functions } = request.world;
  const { partition, region, accountId } = request.stack;
  const definition = read(request);
  const { name = nameFor(request, 64) } = definition;
  const arn = `arn:${partition}:lambda:${region}:${accountId}:function:${name}`;
  if (functions.find(arn) !== undefined) throw new ResourceFailure(`${name} already exists`);
  functions.put({ ...definition, name, arn });
  return { physicalId: name, attributes: { Arn: arn } };
}

function read(
  request: ResourceRequest,
  source = request.properties,
): Omit<LambdaFunction, 'arn' | 'name'> & { readonly name?: string } {
  const properties = readProperties(request, source, [
    'Architectures',
    'Code',
    'Description',
    'Environment',
    'FunctionName',
    'Handler',
    'LoggingConfig',
    'MemorySize',
    'ReservedConcurrentExecutions',
    'Role',
    'Runtime',
    'Tags',
    'Timeout',
  ]);
  const name = properties.optionalText('FunctionName');
  const code = readProperties(request, properties.fields('Code'), ['ZipFile']).text('ZipFile');
  const environment = readProperties(request, properties.optionalFields('Environment') ?? {}, ['Variables']);
  const runtime = properties.text('Runtime');
  const handler = properties.text('Handler');
  const timeoutSeconds = properties.optionalNumber('Timeout') ?? 3;
  if (!/^nodejs[0-9]+\.x$/.test(runtime))
    throw new ResourceFailure(`runtime ${runtime} is not understood here`);
  const exported = /^index\.(\w+)$/.exec(handler)?.[1];
  if (exported === undefined) {
    throw new ResourceFailure(`handler ${handler} is not in index, where inline code is`);
  }
  if (timeoutSeconds < 1 || timeoutSeconds > 900) {
    throw new ResourceFailure(`Value '${timeoutSeconds}' at 'timeout' is not 1 to 900`);
  }
  const roleArn = properties.text('Role');
  const role = request.world.iam.currentRole(roleArn)?.known;
  if (role === undefined || !trustsService(role.trustPolicy, 'lambda.amazonaws.com')) {
    throw new ResourceFailure('The role defined for the function cannot be assumed by Lambda.');
  }
  const variables = environment.optionalFields('Variables') ?? {};
  return {
    ...(name !== undefined && { name }),
    code,
    exported,
    timeoutSeconds,
    memoryMegabytes: properties.optionalNumber('MemorySize') ?? 128,
    environment: Object.fromEntries(Object.entries(variables).map(([key, value]) => [key, String(value)])),
    roleArn,
  };
}
