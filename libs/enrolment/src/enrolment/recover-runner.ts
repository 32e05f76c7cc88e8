import { sign } from 'node:crypto';
import { applyCertificate, readPrivateKey } from '../credentials/apply-certificate.ts';
import { isAddress, type RunnerCredentials } from '../credentials/credentials.ts';
import { unusableAnswer } from '../errors/unusable-answer.ts';
import { callServer, type ServerAccess } from './call-server.ts';

/** What is signed starts with this, so that no other signature of the key can pass for one. */
const PURPOSE = Buffer.from('planton/runner-recovery/v1\0');

/**
 * Replaces the certificate of an instance by proving that the key is here, however long it was away. Learns the current authorities
 * and address of the gateway on the way. Two calls: a nonce, and its signature.
 *
 * @throws EnrolmentError `refused` where the instance was revoked, locked or deleted
 */
export async function recoverRunner(
  credentials: RunnerCredentials,
  access: ServerAccess = {},
): Promise<RunnerCredentials> {
  const { server, instanceUid } = credentials;
  const key = readPrivateKey(credentials.privateKey);
  return callServer(server, access, async (service, call) => {
    const { answer: first } = await service.recoverRunner({ instanceUid }, call);
    if (first.case !== 'nonce') throw unusableAnswer('it asked for no proof');
    const signature = sign('sha256', Buffer.concat([PURPOSE, first.value]), key);
    const proof = { nonce: first.value, signature };
    const { answer: second } = await service.recoverRunner({ instanceUid, proof }, call);
    if (second.case !== 'recovered') throw unusableAnswer('it holds no certificate');
    const { certificate, gatewayAddress } = second.value;
    if (!isAddress(gatewayAddress)) throw unusableAnswer('it does not say where the gateway listens');
    return applyCertificate({ ...credentials, gatewayAddress }, certificate);
  });
}
