export { applyCertificate } from './credentials/apply-certificate.ts';
export { formatCredentials, parseCredentials, type RunnerCredentials } from './credentials/credentials.ts';
export {
  checkWritable,
  credentialsFile,
  type FoundCredentials,
  findCredentials,
  readCredentials,
  writeCredentials,
} from './credentials/credentials-file.ts';
export type { ServerAccess } from './enrolment/call-server.ts';
export { type EnrollSettings, enrollRunner } from './enrolment/enroll-runner.ts';
export { recoverRunner } from './enrolment/recover-runner.ts';
export type { ServerEnrolment } from './enrolment/server-enrolment.ts';
export { EnrolmentError, type EnrolmentErrorKind } from './errors/enrolment-error.ts';
export { createKeyRequest, type KeyRequest } from './keys/create-key-request.ts';
export { findProxy, type ProxyEnvironment } from './proxy/find-proxy.ts';
