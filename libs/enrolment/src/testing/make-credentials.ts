import { randomUUID } from 'node:crypto';
import { applyCertificate } from '../credentials/apply-certificate.ts';
import type { RunnerCredentials } from '../credentials/credentials.ts';
import { createKeyRequest } from '../keys/create-key-request.ts';
import type { TestAuthority, Validity } from './test-authority.ts';

/** Credentials of a new instance that no service knows. */
export async function makeCredentials(
  authority: TestAuthority,
  options: {
    readonly server?: string;
    readonly gatewayAddress?: string;
    readonly renewAfterTime?: Date;
  } & Validity = {},
): Promise<RunnerCredentials> {
  const { server = 'http://127.0.0.1:1', gatewayAddress = '127.0.0.1:1', ...validity } = options;
  const { privateKey, certificateRequest } = await createKeyRequest();
  const instanceUid = randomUUID();
  const blank = { certificate: '', caBundle: '', generation: 0, expireTime: '', renewAfterTime: '' };
  return applyCertificate(
    { server, org: 'acme', runner: 'runner-1', instanceUid, gatewayAddress, privateKey, ...blank },
    await authority.issueInstance(certificateRequest, { instanceUid, generation: 1, ...validity }),
  );
}
