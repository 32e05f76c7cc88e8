import { clone, type MessageInitShape } from '@bufbuild/protobuf';
import type { ConnectRouter } from '@connectrpc/connect';
import {
  type AwsProviderConnection,
  AwsProviderConnectionSchema,
} from '@planton/api/connect/v1/aws_provider_connection';
import {
  ApplyOutcome,
  ConnectionService,
  type VerifyConnectionResponseSchema,
} from '@planton/api/connect/v1/connection_service';
import type { DefaultProviderConnection } from '@planton/api/connect/v1/default_provider_connection';
import type { ProviderConnectionAuthorization } from '@planton/api/connect/v1/provider_connection_authorization';
import { ConnectionSource } from '@planton/api/connect/v1/resolution';
import { Code, refusal } from './serve.ts';

/** What the service holds, for tests to look at. */
export interface Held {
  readonly connections: Map<string, AwsProviderConnection>;
  readonly defaults: DefaultProviderConnection[];
  readonly authorizations: ProviderConnectionAuthorization[];
  /** What verifications answer in turn, before they end. */
  readonly verification: MessageInitShape<typeof VerifyConnectionResponseSchema>['event'][];
  readonly resolved: { environment: string; connection: string }[];
}

/** A connection service that keeps what it is given; names that start with `refused` it refuses. */
export function connectionService(): Held & { readonly routes: (router: ConnectRouter) => void } {
  const held: Held = {
    connections: new Map(),
    defaults: [],
    authorizations: [],
    verification: [],
    resolved: [],
  };
  const { connections, defaults, authorizations, verification, resolved } = held;
  const find = (name: string) => {
    const found = connections.get(name);
    if (!found)
      throw refusal(Code.NotFound, `connection "${name}" does not exist`, {
        hint: 'planton connection list',
      });
    return found;
  };
  const wrap = (value: AwsProviderConnection) => ({ kind: { case: 'aws' as const, value } });

  const routes = (router: ConnectRouter) =>
    router.service(ConnectionService, {
      applyConnection({ org, connection, validateOnly, etag }) {
        if (connection?.kind.case !== 'aws') throw refusal(Code.InvalidArgument, 'no connection');
        const value = clone(AwsProviderConnectionSchema, connection.kind.value);
        const slug = value.metadata?.slug || (value.metadata?.name ?? '');
        if (slug.startsWith('refused')) {
          const violations = [
            { field: 'spec.account_id.value', message: 'has 11 digits; an account has 12' },
          ];
          throw refusal(Code.InvalidArgument, 'the connection is not valid', {
            violations: violations as never,
          });
        }
        const stored = connections.get(slug);
        if (etag !== '' && etag !== stored?.metadata?.etag)
          throw refusal(Code.Aborted, 'the connection has changed');
        const same = stored?.spec?.region?.source.value === value.spec?.region?.source.value;
        const outcome = !stored ? ApplyOutcome.CREATED : same ? ApplyOutcome.UNCHANGED : ApplyOutcome.UPDATED;
        const revision = (stored?.metadata?.revision ?? 0) + (outcome === ApplyOutcome.UNCHANGED ? 0 : 1);
        if (value.metadata) Object.assign(value.metadata, { slug, org, revision, etag: `etag-${revision}` });
        if (!validateOnly) connections.set(slug, value);
        return {
          connection: wrap(value),
          outcome,
          warnings: value.spec?.runner ? ['runner was ignored'] : [],
        };
      },
      getConnection: ({ connection }) => ({ connection: wrap(find(connection)) }),
      listConnections: () => ({ connections: [...connections.values()].map(wrap) }),
      deleteConnection({ connection }) {
        find(connection);
        connections.delete(connection);
        return {};
      },
      async *verifyConnection({ connection }) {
        find(connection);
        for (const event of verification) if (event) yield { event };
      },
      setDefaultProviderConnection(request) {
        if (!request.default) throw refusal(Code.InvalidArgument, 'no default');
        defaults.push(request.default);
        return { default: request.default, outcome: ApplyOutcome.CREATED };
      },
      getDefaultProviderConnection: ({ environment }) => {
        const found = defaults.find(({ spec }) => spec?.environment === environment);
        if (!found) throw refusal(Code.NotFound, 'no default');
        return { default: found };
      },
      listDefaultProviderConnections: () => ({ defaults }),
      deleteDefaultProviderConnection: () => ({}),
      setProviderConnectionAuthorization(request) {
        if (!request.authorization) throw refusal(Code.InvalidArgument, 'no authorisation');
        authorizations.push(request.authorization);
        return { authorization: request.authorization, outcome: ApplyOutcome.CREATED };
      },
      listProviderConnectionAuthorizations: () => ({ authorizations }),
      deleteProviderConnectionAuthorization: () => ({
        warnings: ['the connection is open to every environment now'],
      }),
      resolveConnection({ environment, connection }) {
        resolved.push({ environment, connection });
        if (environment === 'empty') {
          const violations = [
            { field: 'environment', message: 'empty has no default' },
            { field: 'organization', message: 'acme has no default' },
          ];
          const hint = 'planton connection default set --connection NAME';
          throw refusal(Code.NotFound, 'no connection applies', { hint, violations: violations as never });
        }
        return {
          connection: connection || 'my-aws-connection',
          source: connection ? ConnectionSource.EXPLICIT : ConnectionSource.ORGANIZATION,
          provider: 'aws',
          revision: 1,
          decision: [
            {
              level: 'organization',
              outcome: 'selected',
              connection: 'my-aws-connection',
              explanation: 'the default',
            },
          ],
        };
      },
    });
  return { ...held, routes };
}
