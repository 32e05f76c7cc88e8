export { makeCredentials } from './make-credentials.ts';
export { startTestService, type TestInstance, type TestService } from './start-test-service.ts';
export {
  createTestAuthority,
  type GatewayCertificateOptions,
  type InstanceCertificateOptions,
  isSignedRequest,
  publicKeyPem,
  type TestAuthority,
  type Validity,
} from './test-authority.ts';
