/**
 * An error as AWS answers it. `message` goes to the client and holds nothing that it sent, beyond the name of an action and the ARN of a
 * role.
 */
export class AwsError extends Error {
  readonly status: number;
  readonly code: string;

  constructor(status: number, code: string, message: string) {
    super(message);
    this.name = 'AwsError';
    this.status = status;
    this.code = code;
  }
}

/** The same answer for an unknown key, an inactive key and a session token that does not belong to the key. */
export function invalidClientTokenId(): AwsError {
  return new AwsError(403, 'InvalidClientTokenId', 'The security token included in the request is invalid.');
}

export function expiredToken(): AwsError {
  return new AwsError(403, 'ExpiredToken', 'The security token included in the request is expired');
}

/**
 * Of AssumeRole the same whatever denied it: a missing role, a caller that the trust policy does not name, an external ID that it does
 * not ask for, an explicit denial. Other actions give a reason.
 */
export function accessDenied(caller: string, action: string, resource: string, reason = ''): AwsError {
  return new AwsError(
    403,
    'AccessDenied',
    `User: ${caller} is not authorized to perform: ${action} on resource: ${resource}${reason && ` ${reason}`}`,
  );
}

export function invalidMfaCode(): AwsError {
  return new AwsError(
    403,
    'AccessDenied',
    'MultiFactorAuthentication failed with invalid MFA one time pass code. ',
  );
}

export function validationError(message: string): AwsError {
  return new AwsError(400, 'ValidationError', message);
}

/** One parameter that breaks a constraint of the contract of STS. */
export function constraintViolation(parameter: string, constraint: string): AwsError {
  return validationError(
    `1 validation error detected: Value at '${parameter}' failed to satisfy constraint: ${constraint}`,
  );
}

export function malformedPolicyDocument(): AwsError {
  return new AwsError(400, 'MalformedPolicyDocument', 'Syntax errors in policy.');
}

/** `EntityAlreadyExists` of IAM. */
export function entityAlreadyExists(kind: 'Role' | 'Policy', name: string): AwsError {
  const message =
    kind === 'Role'
      ? `Role with name ${name} already exists.`
      : `A policy called ${name} already exists. Duplicate names are not allowed.`;
  return new AwsError(409, 'EntityAlreadyExists', message);
}

export function noSuchEntity(message: string): AwsError {
  return new AwsError(404, 'NoSuchEntity', message);
}

export function limitExceeded(message: string): AwsError {
  return new AwsError(409, 'LimitExceeded', message);
}

export function deleteConflict(message: string): AwsError {
  return new AwsError(409, 'DeleteConflict', message);
}

export function throttling(): AwsError {
  return new AwsError(400, 'Throttling', 'Rate exceeded');
}

export function serviceUnavailable(): AwsError {
  return new AwsError(503, 'ServiceUnavailable', 'Service is unavailable. Please try again.');
}

export function signatureDoesNotMatch(message?: string): AwsError {
  return new AwsError(
    403,
    'SignatureDoesNotMatch',
    message ??
      'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
  );
}

export function missingAuthenticationToken(): AwsError {
  return new AwsError(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token');
}

export function incompleteSignature(message: string): AwsError {
  return new AwsError(400, 'IncompleteSignature', message);
}

export function requestExpired(): AwsError {
  return new AwsError(400, 'RequestExpired', 'Request has expired.');
}

export function malformedQueryString(): AwsError {
  return new AwsError(400, 'MalformedQueryString', 'The query string contains a syntax error.');
}

export function missingAction(): AwsError {
  return new AwsError(400, 'MissingAction', 'The request is missing an action or a required parameter.');
}

export function invalidAction(action: string, version: string): AwsError {
  return new AwsError(400, 'InvalidAction', `Could not find operation ${action} for version ${version}`);
}

export function unknownPath(): AwsError {
  return new AwsError(404, 'UnknownOperationException', 'The requested operation is not found.');
}

export function methodNotAllowed(): AwsError {
  return new AwsError(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.');
}

export function requestTooLarge(): AwsError {
  return new AwsError(413, 'RequestEntityTooLarge', 'Request size exceeded the allowed limit.');
}

export function internalFailure(): AwsError {
  return new AwsError(
    500,
    'InternalFailure',
    'The request processing has failed because of an unknown error.',
  );
}
