import { applyCertificate } from '../credentials/apply-certificate.ts';
import { isAddress, isSlug, type RunnerCredentials } from '../credentials/credentials.ts';
import { unusableAnswer } from '../errors/unusable-answer.ts';
import { createKeyRequest } from '../keys/create-key-request.ts';
import { callServer, type ServerAccess } from './call-server.ts';

export interface EnrollSettings extends ServerAccess {
  /** Where the API listens. */
  readonly server: string;
  /** Text of an enrolment token. */
  readonly token: string;
  /** Name for people, usually the host's; 1 to 100 characters. */
  readonly instanceName: string;
  /** Whether the key will be kept in memory alone. */
  readonly ephemeral: boolean;
}

/**
 * Makes a new instance: its key here, its certificate there. Uses the token once for every call that the platform carries out, also
 * where its answer is lost.
 *
 * @throws EnrolmentError
 */
export async function enrollRunner(settings: EnrollSettings): Promise<RunnerCredentials> {
  const { server, token, instanceName, ephemeral } = settings;
  const { privateKey, certificateRequest } = await createKeyRequest();
  const answer = await callServer(server, settings, (service, call) =>
    service.enrollRunner({ token, certificateRequest, instanceName, ephemeral }, call),
  );
  const { instanceUid, gatewayAddress, org, runner } = answer;
  if (
    !/^[A-Za-z0-9-]{1,64}$/.test(instanceUid) ||
    !isAddress(gatewayAddress) ||
    !isSlug(org) ||
    !isSlug(runner)
  )
    throw unusableAnswer('it does not say who the runner is and where the gateway listens');
  const blank = { certificate: '', caBundle: '', generation: 0, expireTime: '', renewAfterTime: '' };
  return applyCertificate(
    { server: server.replace(/\/+$/, ''), org, runner, instanceUid, gatewayAddress, privateKey, ...blank },
    answer.certificate,
  );
}
