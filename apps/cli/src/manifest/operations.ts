import { create, type Message } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { ApplyOutcome, ConnectionService } from '@planton/api/connect/v1/connection_service';
import {
  type ProviderConnection,
  ProviderConnectionSchema,
} from '@planton/api/connect/v1/provider_connection';
import type { ManifestKind, ManifestMessage } from '@planton/manifest';
import { notFound, usage } from '../errors/cli-error.ts';
import { listAll } from '../session/list-all.ts';
import type { Session } from '../session/open-session.ts';

/** What can be done with the objects of one kind, by the names that its manifests have. */
export interface Operations {
  readonly apply: (session: Session, request: ApplyRequest) => Promise<Applied>;
  readonly get: (session: Session, org: string, name: string) => Promise<ManifestMessage>;
  readonly list: (session: Session, org: string) => Promise<ManifestMessage[]>;
  /** Answers warnings. */
  readonly delete: (session: Session, org: string, name: string, etag: string) => Promise<readonly string[]>;
  /** The name that `get` and `delete` take. */
  readonly nameOf: (message: ManifestMessage) => string;
}

export interface ApplyRequest {
  readonly org: string;
  readonly message: ManifestMessage;
  readonly validateOnly: boolean;
  readonly etag: string;
}

export interface Applied {
  readonly message: ManifestMessage;
  readonly outcome: 'created' | 'updated' | 'unchanged';
  readonly warnings: readonly string[];
}

/** The operations of a kind. Connections of every provider go through the same ones. */
export function operationsOf(kind: ManifestKind): Operations {
  if (kind.provider !== undefined) return connectionOperations(kind, kind.provider);
  if (kind.name === 'DefaultProviderConnection') return defaultOperations;
  return authorizationOperations;
}

function connectionOperations(kind: ManifestKind, provider: string): Operations {
  return {
    apply: async (session, { org, message, validateOnly, etag }) => {
      const request = { org, connection: wrap(provider, message), validateOnly, etag };
      const response = await session.client(ConnectionService).applyConnection(request);
      return applied(response.connection && unwrap(response.connection), response.outcome, response.warnings);
    },
    get: async (session, org, name) => {
      const { connection } = await session.client(ConnectionService).getConnection({ org, connection: name });
      const message = connection && unwrap(connection);
      if (message?.$typeName !== kind.schema.typeName)
        throw notFound(`${kind.name} ${name} does not exist in ${org}`, `planton get ${kind.name}`);
      return message;
    },
    list: async (session, org) => {
      const connections = await listAll(
        (page) => session.client(ConnectionService).listConnections({ org, provider, ...page }),
        (page) => page.connections,
      );
      return connections.flatMap((connection) => unwrap(connection) ?? []);
    },
    delete: async (session, org, name, etag) => {
      await session.client(ConnectionService).deleteConnection({ org, connection: name, etag });
      return [];
    },
    nameOf: ({ metadata }) => metadata?.slug || metadata?.name || '',
  };
}

const defaultOperations: Operations = {
  apply: async (session, { org, message, validateOnly, etag }) => {
    const value = only('planton.connect.v1.DefaultProviderConnection', message);
    const request = { org, default: value, validateOnly, etag };
    const response = await session.client(ConnectionService).setDefaultProviderConnection(request);
    return applied(response.default, response.outcome, []);
  },
  get: async (session, org, name) => {
    const request = { org, ...defaultNamed(name) };
    const response = await session.client(ConnectionService).getDefaultProviderConnection(request);
    return present(response.default);
  },
  list: (session, org) =>
    listAll(
      (page) => session.client(ConnectionService).listDefaultProviderConnections({ org, ...page }),
      (page) => page.defaults,
    ),
  delete: async (session, org, name) => {
    await session.client(ConnectionService).deleteDefaultProviderConnection({ org, ...defaultNamed(name) });
    return [];
  },
  nameOf: (message) => {
    const { spec } = only('planton.connect.v1.DefaultProviderConnection', message);
    return spec?.environment ? `${spec.environment}.${spec.provider}` : (spec?.provider ?? '');
  },
};

const authorizationOperations: Operations = {
  apply: async (session, { org, message, validateOnly, etag }) => {
    const value = only('planton.connect.v1.ProviderConnectionAuthorization', message);
    const request = { org, authorization: value, validateOnly, etag };
    const response = await session.client(ConnectionService).setProviderConnectionAuthorization(request);
    return applied(response.authorization, response.outcome, []);
  },
  get: async (session, org, name) => {
    const request = { org, ...authorizationNamed(name) };
    const response = await session.client(ConnectionService).getProviderConnectionAuthorization(request);
    return present(response.authorization);
  },
  list: (session, org) =>
    listAll(
      (page) => session.client(ConnectionService).listProviderConnectionAuthorizations({ org, ...page }),
      (page) => page.authorizations,
    ),
  delete: async (session, org, name) => {
    const request = { org, ...authorizationNamed(name) };
    return (await session.client(ConnectionService).deleteProviderConnectionAuthorization(request)).warnings;
  },
  nameOf: (message) => {
    const { spec } = only('planton.connect.v1.ProviderConnectionAuthorization', message);
    return `${spec?.provider}.${spec?.connection}`;
  },
};

/** `aws` for the organisation, `production.aws` for an environment. */
export function defaultNamed(name: string): { provider: string; environment: string } {
  const [first = '', second, ...rest] = name.split('.');
  if (first === '' || second === '' || rest.length > 0)
    throw usage('a default is named PROVIDER or ENVIRONMENT.PROVIDER', 'for example aws or production.aws');
  return second === undefined
    ? { provider: first, environment: '' }
    : { provider: second, environment: first };
}

/** `aws.my-aws-connection`. */
export function authorizationNamed(name: string): { provider: string; connection: string } {
  const dot = name.indexOf('.');
  if (dot < 1 || dot === name.length - 1)
    throw usage('an authorisation is named PROVIDER.CONNECTION', 'for example aws.my-aws-connection');
  return { provider: name.slice(0, dot), connection: name.slice(dot + 1) };
}

/** Puts the connection of a provider into the message that carries any. */
function wrap(provider: string, message: Message): ProviderConnection {
  const wrapped = reflect(ProviderConnectionSchema, create(ProviderConnectionSchema));
  const field = ProviderConnectionSchema.fields.find(({ name }) => name === provider);
  if (!field?.message) throw usage(`there is no provider ${provider}`);
  wrapped.set(field, reflect(field.message, message));
  return wrapped.message as ProviderConnection;
}

/** The connection inside; undefined for a provider that this CLI does not know. */
export function unwrap({ kind }: ProviderConnection): ManifestMessage | undefined {
  return kind.value;
}

const outcomes: Readonly<Record<ApplyOutcome, Applied['outcome']>> = {
  [ApplyOutcome.UNSPECIFIED]: 'unchanged',
  [ApplyOutcome.CREATED]: 'created',
  [ApplyOutcome.UPDATED]: 'updated',
  [ApplyOutcome.UNCHANGED]: 'unchanged',
};

function applied(
  message: ManifestMessage | undefined,
  outcome: ApplyOutcome,
  warnings: readonly string[],
): Applied {
  return { message: present(message), outcome: outcomes[outcome] ?? 'unchanged', warnings };
}

function present(message: ManifestMessage | undefined): ManifestMessage {
  if (!message)
    throw notFound('the server answered without the object', 'is the server of the same version?');
  return message;
}

function only<T extends ManifestMessage['$typeName']>(
  typeName: T,
  message: ManifestMessage,
): Extract<ManifestMessage, { $typeName: T }> {
  if (message.$typeName !== typeName) throw new TypeError(`${message.$typeName} is not ${typeName}`);
  return message as Extract<ManifestMessage, { $typeName: T }>;
}
