import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Functions, LambdaFunction } from '../../lambda/functions.ts';
import { isFields } from '../../policies/read-fields.ts';
import {
  type CustomResourceRequest,
  type CustomResources,
  ResourceFailure,
} from '../resources/resource-type.ts';
import type { Responses } from './keep-responses.ts';
import { parseResponse } from './parse-response.ts';

const DEFAULT_SECONDS = 3_600;

export interface ProviderOptions {
  readonly functions: Functions;
  readonly responses: Responses;
  /** Resolves when the function's code is called. */
  readonly invoke: (definition: LambdaFunction, event: Readonly<Record<string, unknown>>) => Promise<void>;
  /** How many times faster than said a `ServiceTimeout` is over; what it takes to start a function does not count. */
  readonly clockFactor: number;
  readonly stopping: AbortSignal;
  randomName(size: number): string;
}

/** Providers are Lambda functions of the stack's own account and region. */
export function askProviders(options: ProviderOptions): CustomResources {
  const { functions, responses, invoke, clockFactor, stopping, randomName } = options;
  return {
    request: async (request) => {
      const { stack, logicalId, requestType } = request;
      const { stackId } = stack;
      const requestId = randomUUID();
      const awaited = { stackId, logicalId, requestId };
      const physicalId = request.physicalId ?? `${stack.name}-${logicalId}-${randomName(12)}`;
      const provider = findProvider(request, functions);
      const seconds = readTimeout(request);
      const slot = responses.open(awaited);
      const called = invoke(provider, {
        RequestType: requestType,
        ResponseURL: slot.url,
        StackId: stackId,
        RequestId: requestId,
        ResourceType: request.type,
        LogicalResourceId: logicalId,
        ...(request.physicalId !== undefined && { PhysicalResourceId: request.physicalId }),
        ResourceProperties: toTexts(request.properties),
        ...(request.oldProperties !== undefined && { OldResourceProperties: toTexts(request.oldProperties) }),
      });
      const answered = new AbortController();
      const signal = AbortSignal.any([answered.signal, stopping]);
      try {
        const body = await Promise.race([
          slot.body,
          called.then(() => sleep((seconds * 1_000) / clockFactor, undefined, { signal })),
        ]);
        if (body !== undefined) return parseResponse(body, awaited, physicalId);
        throw new ResourceFailure(
          `CloudFormation did not receive a response from your Custom Resource. Please check your logs for requestId [${requestId}].`,
          physicalId,
        );
      } finally {
        answered.abort();
        slot.close();
      }
    },
  };
}

function findProvider({ stack, properties }: CustomResourceRequest, functions: Functions): LambdaFunction {
  const { ServiceToken: token } = properties;
  const { partition, region, accountId } = stack;
  if (typeof token !== 'string' || !token.startsWith(`arn:${partition}:lambda:${region}:${accountId}:`)) {
    throw new ResourceFailure('Invalid service token.');
  }
  const provider = functions.find(token);
  if (provider === undefined) throw new ResourceFailure(`Lambda function ${token} could not be found`);
  return provider;
}

function readTimeout({ properties, logicalId }: CustomResourceRequest): number {
  const seconds = Number(properties.ServiceTimeout ?? DEFAULT_SECONDS);
  if (!Number.isInteger(seconds) || seconds < 1 || seconds > DEFAULT_SECONDS) {
    throw new ResourceFailure(`ServiceTimeout of ${logicalId} is not 1 to ${DEFAULT_SECONDS} seconds`);
  }
  return seconds;
}

/** Providers are told numbers and booleans as texts. */
function toTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toTexts);
  if (isFields(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, toTexts(each)]));
  }
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : value;
}
