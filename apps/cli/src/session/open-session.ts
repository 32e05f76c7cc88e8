import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import { CliError, exitCodes, notFound, usage } from '../errors/cli-error.ts';
import { readApiKey } from '../settings/api-keys.ts';
import { givenOrganization, serverOf } from '../settings/context.ts';
import type { Cli } from '../terminal/terminal.ts';
import { httpClient } from './http-client.ts';

/** A server and the key to speak to it with. */
export interface Session {
  readonly server: string;
  readonly client: <S extends DescService>(service: S) => Client<S>;
}

const callTimeout = 30_000;
const largestAnswer = 64 * 1024 * 1024;

/** A session with the stored or given key. Without a key nothing is sent. */
export async function openSession(cli: Cli): Promise<Session> {
  const server = await serverOf(cli);
  const key = cli.env.PLANTON_API_KEY || (await readApiKey(cli, server));
  if (!key)
    throw new CliError(`not signed in to ${server}`, {
      exitCode: exitCodes.caller,
      hint: 'sign in with `planton auth login --api-key-file PATH`, or set PLANTON_API_KEY',
    });
  return sessionWith(server, key);
}

/** Whether a key is at hand, so that a command can do without the server. */
export async function isSignedIn(cli: Cli): Promise<boolean> {
  return Boolean(cli.env.PLANTON_API_KEY || (await readApiKey(cli, await serverOf(cli))));
}

/** A session with this key. */
export function sessionWith(server: string, key: string): Session {
  if (/[^\x21-\x7e]/.test(key))
    throw usage('the API key has blanks or characters that no key has', 'paste it again');
  const transport = transportOf(server, [authenticateWith(key)]);
  return { server, client: (service) => createClient(service, transport) };
}

/** The session and the organisation: named by flag, variable or context, else the only one that is visible. */
export async function openOrganization(cli: Cli): Promise<Session & { readonly org: string }> {
  const session = await openSession(cli);
  return { ...session, org: await organizationOf(cli, session) };
}

export async function organizationOf(cli: Cli, session: Session): Promise<string> {
  const given = await givenOrganization(cli);
  if (given) return given;
  const { Identity } = await import('@planton/api/identity/v1/identity_service');
  const { organizations } = await session.client(Identity).listOrganizations({});
  const [only, ...others] = organizations;
  if (!only)
    throw notFound('you are not a member of any organisation', 'create one with: planton org create SLUG');
  if (others.length > 0) {
    const slugs = organizations.map(({ slug }) => slug);
    const shown = slugs.length > 10 ? [...slugs.slice(0, 10), '…'] : slugs;
    throw usage(
      `which organisation? You are a member of ${shown.join(', ')}`,
      'choose one with: planton context set --org SLUG',
    );
  }
  return only.slug;
}

/** A transport that says nothing about who calls, for calls that prove it otherwise. */
export function anonymousTransport(server: string): Transport {
  return transportOf(server, []);
}

function authenticateWith(key: string): Interceptor {
  return (next) => (request) => {
    request.header.set('authorization', `Bearer ${key}`);
    return next(request);
  };
}

function transportOf(server: string, interceptors: Interceptor[]): Transport {
  return createTransport({
    baseUrl: server,
    httpClient,
    useBinaryFormat: true,
    interceptors,
    acceptCompression: [],
    sendCompression: null,
    compressMinBytes: 1024,
    readMaxBytes: largestAnswer,
    writeMaxBytes: largestAnswer,
    defaultTimeoutMs: callTimeout,
  });
}
