import { cloudformation } from '../cloudformation/cloudformation.ts';
import {
  AwsError,
  internalFailure,
  invalidAction,
  methodNotAllowed,
  missingAction,
  unknownPath,
} from '../errors/aws-error.ts';
import { authorize } from '../iam/authorize.ts';
import { readParameters } from '../requests/read-parameters.ts';
import { pathOf, type RawRequest } from '../requests/request.ts';
import { parseAuthorization } from '../signing/parse-authorization.ts';
import { verifyRequest } from '../signing/verify-request.ts';
import { sts } from '../sts/sts.ts';
import { writeXml, type XmlElements } from '../xml/write-xml.ts';
import type { RecordedCall } from './recorded-call.ts';
import type { Service, World } from './service.ts';

const SERVICES: ReadonlyMap<string, Service> = new Map(
  [sts, cloudformation].map((service) => [service.name, service]),
);

export interface Answer {
  readonly status: number;
  readonly xml: string;
  readonly record: RecordedCall;
}

/** What is found out about a request before it is answered or refused. */
type Findings = {
  -readonly [Name in
    | 'service'
    | 'region'
    | 'action'
    | 'accessKeyId'
    | 'callerArn'
    | 'sessionTags'
    | 'sourceIdentity'
    | 'assumeRole']?: RecordedCall[Name];
};

/** Answers a request as AWS would. Never throws: what goes wrong is the answer. */
export function answerRequest(request: RawRequest, world: World, requestId: string, now: Date): Answer {
  const findings: Findings = {};
  const base = { requestId, time: now, method: request.method };
  try {
    const { service, action, result } = performRequest(request, world, now, findings);
    const content = { [`${action}Result`]: result, ResponseMetadata: { RequestId: requestId } };
    const xml = writeXml(`${action}Response`, content, service.namespace);
    return { status: 200, xml, record: { ...base, ...findings, status: 200 } };
  } catch (error) {
    const known = error instanceof AwsError ? error : internalFailure();
    const { status, code } = known;
    const xml = writeError(known, requestId, findings.service);
    return { status, xml, record: { ...base, ...findings, status, code } };
  }
}

/** The body of an error, in the namespace of the service or, when the request names none, of STS. */
export function writeError(error: AwsError, requestId: string, service = sts.name): string {
  const type = error.status < 500 ? 'Sender' : 'Receiver';
  const content = {
    Error: { Type: type, Code: error.code, Message: error.message },
    RequestId: requestId,
  };
  return writeXml('ErrorResponse', content, (SERVICES.get(service) ?? sts).namespace);
}

function performRequest(
  request: RawRequest,
  { findCredential, ...world }: World,
  now: Date,
  findings: Findings,
): { service: Service; action: string; result: XmlElements } {
  const authorization = parseAuthorization(request);
  const { region, service: serviceName } = authorization.scope;
  if (/^[A-Z0-9]{16,32}$/.test(authorization.accessKeyId)) findings.accessKeyId = authorization.accessKeyId;
  const caller = verifyRequest(request, authorization, findCredential, [...SERVICES.keys()], now);
  Object.assign(findings, { region, service: serviceName, callerArn: caller.arn });
  const { tags, sourceIdentity } = caller.session ?? {};
  if (tags !== undefined && tags.size > 0) findings.sessionTags = tags;
  if (sourceIdentity !== undefined) findings.sourceIdentity = sourceIdentity;

  if (request.method !== 'GET' && request.method !== 'POST') throw methodNotAllowed();
  if (pathOf(request) !== '/') throw unknownPath();
  const parameters = readParameters(request);
  const action = parameters.get('Action');
  if (action === undefined || action === '') throw missingAction();
  if (/^[A-Za-z]{1,64}$/.test(action)) findings.action = action;

  const service = SERVICES.get(serviceName);
  const version = parameters.get('Version') ?? 'NO_VERSION_SPECIFIED';
  const perform = service?.actions.get(action);
  if (service === undefined || perform === undefined || version !== service.version) {
    throw invalidAction(printable(action), printable(version));
  }
  const note = (asked: RecordedCall['assumeRole']) => Object.assign(findings, { assumeRole: asked });
  const result = perform({
    ...world,
    caller,
    region,
    parameters,
    now,
    authorize: (permission, resource) => authorize(caller, permission, resource, region, world.findRole),
    note,
  });
  return { service, action, result };
}

/** What is echoed stays short and plain. */
function printable(text: string): string {
  return /^[\w.-]{1,64}$/.test(text) ? text : 'UNKNOWN';
}
