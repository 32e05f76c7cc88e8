import { randomBytes, randomUUID, verify } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Code, ConnectError } from '@connectrpc/connect';
import { connectNodeAdapter } from '@connectrpc/connect-node';
import { ErrorInfoSchema } from '@planton/api/common/v1/error';
import { type EnrollRunnerRequest, RunnerService } from '@planton/api/runner/v1/runner_service';
import type { RunnerCredentials } from '../credentials/credentials.ts';
import { publicKeyPem, type TestAuthority, type Validity } from './test-authority.ts';

/** An instance as the service knows it. */
export interface TestInstance {
  readonly uid: string;
  readonly publicKey: string;
  readonly ephemeral: boolean;
  generation: number;
  refused: 'RUNNER_REVOKED' | 'INSTANCE_LOCKED' | undefined;
}

export interface TestService {
  readonly url: string;
  /** Tokens that enrol; a call that succeeds takes a single-use one away. */
  readonly tokens: Map<string, 'single-use' | 'pool'>;
  readonly instances: Map<string, TestInstance>;
  /** What is given out from now on; may name another address, authority or life. */
  issue: { authority: TestAuthority; gatewayAddress: string } & Validity;
  /** How often each call succeeded. */
  readonly calls: { enroll: number; recover: number };
  /** Answers every request itself while it is set: what something else than the platform would say. */
  intercept: RequestListener | undefined;
  /** Knows an instance that was made without it. */
  adopt(credentials: RunnerCredentials): void;
  /** The next certificate of an instance, as a renewal gives it. */
  renew(
    uid: string,
    validity?: Validity & { readonly renewAfterTime?: Date },
  ): ReturnType<TestAuthority['issueInstance']>;
  stop(): Promise<void>;
}

/** Starts the two anonymous calls of RunnerService on a port of the loopback address, with real certificates and proofs. */
export async function startTestService(
  authority: TestAuthority,
  gatewayAddress = '127.0.0.1:1',
): Promise<TestService> {
  const nonces = new Set<string>();
  const issueFor = (instance: TestInstance, validity: Validity & { readonly renewAfterTime?: Date } = {}) => {
    instance.generation += 1;
    const { uid: instanceUid, generation, publicKey } = instance;
    const { authority: issuer, gatewayAddress: _, ...standard } = service.issue;
    return issuer.issueInstance(publicKey, { ...standard, ...validity, instanceUid, generation });
  };
  const find = (uid: string): TestInstance => {
    const instance = service.instances.get(uid);
    if (!instance) throw refusal('RECOVERY_REFUSED', 'the proof does not hold', Code.Unauthenticated);
    if (instance.refused) throw refusal(instance.refused, `${instance.refused}: enrol anew`);
    return instance;
  };

  const handle = connectNodeAdapter({
    routes: (router) =>
      router.service(RunnerService, {
        enrollRunner: async (request: EnrollRunnerRequest) => {
          const kind = service.tokens.get(request.token);
          if (!kind) throw refusal('RUNNER_TOKEN_REFUSED', 'the token is used up, expired or revoked');
          if (kind === 'single-use') service.tokens.delete(request.token);
          const instance: TestInstance = {
            uid: randomUUID(),
            publicKey: publicKeyPem(request.certificateRequest),
            ephemeral: request.ephemeral,
            generation: 0,
            refused: undefined,
          };
          service.instances.set(instance.uid, instance);
          service.calls.enroll += 1;
          return {
            instanceUid: instance.uid,
            runnerUid: 'runner-uid',
            runner: 'runner-1',
            org: 'acme',
            certificate: await issueFor(instance),
            gatewayAddress: service.issue.gatewayAddress,
          };
        },
        recoverRunner: async ({ instanceUid, proof }) => {
          if (!proof) {
            const nonce = randomBytes(32);
            nonces.add(nonce.toString('hex'));
            return { answer: { case: 'nonce' as const, value: nonce } };
          }
          const instance = find(instanceUid);
          const signed = Buffer.concat([Buffer.from('planton/runner-recovery/v1\0'), proof.nonce]);
          if (
            !nonces.delete(Buffer.from(proof.nonce).toString('hex')) ||
            !verify('sha256', signed, instance.publicKey, proof.signature)
          )
            throw refusal('RECOVERY_REFUSED', 'the proof does not hold', Code.Unauthenticated);
          service.calls.recover += 1;
          const { gatewayAddress: address } = service.issue;
          const certificate = await issueFor(instance);
          return { answer: { case: 'recovered' as const, value: { certificate, gatewayAddress: address } } };
        },
      }),
  });
  const http = createServer((request, response) => (service.intercept ?? handle)(request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));

  const service: TestService = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    tokens: new Map(),
    instances: new Map(),
    issue: { authority, gatewayAddress },
    calls: { enroll: 0, recover: 0 },
    intercept: undefined,
    adopt: ({ instanceUid: uid, privateKey, generation }) =>
      void service.instances.set(uid, {
        uid,
        publicKey: publicKeyPem(privateKey),
        ephemeral: false,
        generation,
        refused: undefined,
      }),
    renew: (uid, validity) => issueFor(find(uid), validity),
    stop: () => {
      http.closeAllConnections();
      return new Promise((resolve) => http.close(() => resolve()));
    },
  };
  return service;
}

function refusal(reason: string, message: string, code = Code.PermissionDenied): ConnectError {
  return new ConnectError(message, code, undefined, [
    {
      desc: ErrorInfoSchema,
      value: { reason, domain: 'planton.runner.v1', hint: 'planton runner register' },
    },
  ]);
}
