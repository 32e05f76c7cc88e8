import { create, type DescMethodUnary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import type { Call } from './measure-throughput.ts';

/** Of the Connect protocol, unary. */
export const connectHeaders = { 'content-type': 'application/proto', 'connect-protocol-version': '1' };

/** Where a call goes, and with whose API key. */
export interface Target {
  readonly url: string;
  readonly apiKey: string;
}

/** One call of an RPC, as bytes. */
export function callOf<Method extends DescMethodUnary>(
  { url, apiKey }: Target,
  method: Method,
  message: MessageInitShape<Method['input']>,
): Call {
  const body = toBinary(method.input, create(method.input, message));
  const path = `/${method.parent.typeName}/${method.name}`;
  return { url, path, headers: { ...connectHeaders, authorization: `Bearer ${apiKey}` }, body };
}

/** What the measured calls ask of the organisation that `preparePlatform` makes. */
export const calls = {
  resolveConnection: (target: Target) =>
    callOf(target, ConnectionService.method.resolveConnection, {
      org: 'bench',
      provider: 'aws',
      environment: 'production',
    }),
  getSecret: (target: Target) =>
    callOf(target, ConfigManager.method.getSecret, { org: 'bench', slug: 'key' }),
  accessSecret: (target: Target) =>
    callOf(target, ConfigManager.method.accessSecret, { org: 'bench', slug: 'key' }),
  /** @param connection its slug; empty for the default */
  issueCredentials: (target: Target, connection: string, environment = '') =>
    callOf(target, ConnectionService.method.issueCredentials, {
      org: 'bench',
      provider: 'aws',
      connection,
      environment,
    }),
} as const;
