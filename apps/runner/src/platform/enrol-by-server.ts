import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { RunnerCertificateSchema } from '@planton/api/runner/v1/runner';
import {
  applyCertificate,
  createKeyRequest,
  EnrolmentError,
  type RunnerCredentials,
  type ServerEnrolment,
} from '@planton/enrolment';

/** The channel between a server and the platform runner that it started. */
export interface ServerChannel {
  send(message: { readonly certificateRequest: string }): void;
  /** Resolves with the next message. */
  receive(signal: AbortSignal): Promise<unknown>;
}

/**
 * Becomes the platform runner: makes a key in memory, hands the certificate request to the server that started this process, and takes the
 * certificate from it. Nothing travels over a network, and nothing secret over the channel.
 *
 * @throws EnrolmentError
 */
export async function enrolByServer(channel: ServerChannel, signal: AbortSignal): Promise<RunnerCredentials> {
  const { privateKey, certificateRequest } = await createKeyRequest();
  const answer = channel.receive(signal);
  channel.send({ certificateRequest });
  const given = readAnswer(await answer);
  const blank = { certificate: '', caBundle: '', generation: 0, expireTime: '', renewAfterTime: '' };
  const { instanceUid, gatewayAddress } = given;
  return applyCertificate(
    { server: '', org: '', runner: '', instanceUid, gatewayAddress, privateKey, ...blank },
    create(RunnerCertificateSchema, {
      certificate: given.certificate,
      caBundle: given.caBundle,
      generation: given.generation,
      expireTime: timestampFromDate(new Date(given.expireTime)),
      renewAfterTime: timestampFromDate(new Date(given.renewAfterTime)),
    }),
  );
}

/** The channel that Node opens to a child process, where there is one. */
export function openServerChannel(host: NodeJS.Process): ServerChannel | undefined {
  if (!host.connected) return undefined;
  return {
    send: (message) => {
      host.send?.(message);
    },
    receive: (signal) =>
      new Promise((resolve, reject) => {
        const settle = (act: () => void) => {
          host.off('message', onMessage);
          signal.removeEventListener('abort', onAbort);
          act();
        };
        const onMessage = (message: unknown) => settle(() => resolve(message));
        const onAbort = () => settle(() => reject(unusable('it did not answer', 'unavailable')));
        host.on('message', onMessage);
        signal.addEventListener('abort', onAbort);
        if (signal.aborted) onAbort();
      }),
  };
}

function readAnswer(message: unknown): ServerEnrolment {
  const value: Record<string, unknown> =
    typeof message === 'object' && message !== null ? { ...message } : {};
  const text = (field: keyof ServerEnrolment): string => {
    const given = value[field];
    if (typeof given !== 'string' || given === '') throw unusable(`it holds no ${field}`);
    return given;
  };
  const time = (field: keyof ServerEnrolment): string => {
    if (Number.isNaN(Date.parse(text(field)))) throw unusable(`its ${field} is no time`);
    return text(field);
  };
  return {
    instanceUid: text('instanceUid'),
    gatewayAddress: text('gatewayAddress'),
    certificate: text('certificate'),
    caBundle: text('caBundle'),
    generation: typeof value.generation === 'number' ? value.generation : 0,
    expireTime: time('expireTime'),
    renewAfterTime: time('renewAfterTime'),
  };
}

function unusable(why: string, kind: 'answer' | 'unavailable' = 'answer'): EnrolmentError {
  return new EnrolmentError(kind, 'ANSWER_UNUSABLE', `the server's answer cannot be used: ${why}`);
}
