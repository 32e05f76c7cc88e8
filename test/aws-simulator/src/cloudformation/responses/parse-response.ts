import { isFields } from '../../policies/read-fields.ts';
import { type Made, ResourceFailure } from '../resources/resource-type.ts';
import { type Awaited, LONGEST_RESPONSE } from './keep-responses.ts';

/**
 * Reads what the provider of a custom resource answered.
 *
 * @param physicalId of the resource, or what it is to be called where the answer does not say
 * @throws ResourceFailure when it failed, and when the answer is none
 */
export function parseResponse(body: string, awaited: Awaited, physicalId: string): Made {
  const refuse = (fault: string): never => {
    throw new ResourceFailure(`Invalid response object: ${fault}`, physicalId);
  };
  if (Buffer.byteLength(body) > LONGEST_RESPONSE) {
    throw new ResourceFailure('Response object is too long.', physicalId);
  }
  const response = readJson(body);
  if (!isFields(response)) return refuse('it is not a JSON object');
  const echoed = [
    ['StackId', awaited.stackId],
    ['RequestId', awaited.requestId],
    ['LogicalResourceId', awaited.logicalId],
  ] as const;
  for (const [name, expected] of echoed) {
    if (response[name] !== expected) refuse(`Value of property ${name} is not that of the request`);
  }
  const { Status: status, Reason: reason, PhysicalResourceId: answered, Data: data = {} } = response;
  if (status !== 'SUCCESS' && status !== 'FAILED')
    refuse('Value of property Status must be SUCCESS or FAILED');
  if (answered !== undefined && !(typeof answered === 'string' && /^.{1,1024}$/s.test(answered))) {
    refuse('Value of property PhysicalResourceId must be of type String');
  }
  if (status === 'FAILED') {
    if (typeof reason !== 'string' || reason === '')
      refuse('Value of property Reason must be of type String');
    throw new ResourceFailure(
      `Received response status [FAILED] from custom resource. Message returned: ${String(reason)}`,
      typeof answered === 'string' ? answered : physicalId,
    );
  }
  if (typeof answered !== 'string') refuse('Value of property PhysicalResourceId must be of type String');
  if (!isFields(data)) return refuse('Value of property Data must be of type Object');
  return { physicalId: String(answered), attributes: data };
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
