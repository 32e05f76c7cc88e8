import { hostname } from 'node:os';
import { timestampDate } from '@bufbuild/protobuf/wkt';
import { createClient, type Interceptor } from '@connectrpc/connect';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { assertOutsideTransaction } from '@planton/database';
import type { ServerEnrolment } from '@planton/enrolment';
import { createMemoryTransport } from '@planton/rpc';
import type { RunningRunnerGateway } from '@planton/runner-gateway';

/**
 * How the platform runner gets its certificate: with a token that is used at once, through the same RPC as every runner, in memory.
 *
 * @param listen where the gateway listens: the platform runner is on the same machine and needs no way around
 */
export function enrolPlatformRunner(
  gateway: Pick<RunningRunnerGateway, 'routes' | 'enrolPlatformRunner'>,
  interceptors: Interceptor[],
  listen: string,
): (certificateRequest: string) => Promise<ServerEnrolment> {
  const gatewayAddress = listen.replace(/^(0\.0\.0\.0|\[::\])(?=:)/, 'localhost');
  const runners = createClient(
    RunnerService,
    createMemoryTransport(gateway.routes, interceptors, { beforeCall: assertOutsideTransaction }),
  );
  return async (certificateRequest) => {
    const { instanceUid, certificate } = await runners.enrollRunner({
      token: await gateway.enrolPlatformRunner(),
      certificateRequest,
      instanceName: hostname() || 'platform',
      ephemeral: true,
    });
    if (!certificate?.expireTime || !certificate.renewAfterTime)
      throw new Error('the gateway issued no certificate');
    return {
      instanceUid,
      gatewayAddress,
      certificate: certificate.certificate,
      caBundle: certificate.caBundle,
      generation: certificate.generation,
      expireTime: timestampDate(certificate.expireTime).toISOString(),
      renewAfterTime: timestampDate(certificate.renewAfterTime).toISOString(),
    };
  };
}
