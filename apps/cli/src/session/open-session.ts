import type { DescService } from '@bufbuild/protobuf';
import { type Client, createClient, type Interceptor, type Transport } from '@connectrpc/connect';
import { createTransport } from '@connectrpc/connect/protocol-connect';
import { waitWhenTold } from '@planton/client/wait-when-told';
import { CliError, exitCodes, notFound, usage } from '../errors/cli-error.ts';
import { readApiKey } from '../settings/api-keys.ts';
import { givenOrganization, readContext, serverOf } from '../settings/context.ts';
import { readSession, type StoredSession } from '../settings/sessions.ts';
import type { Cli } from '../terminal/terminal.ts';
import { httpClient } from './http-client.ts';
import { sessionCredential } from './session-credential.ts';

/** A server and the credential to speak to it with. */
export interface Session {
  readonly server: string;
  readonly client: <S extends DescService>(service: S) => Client<S>;
}

const callTimeout = 30_000;
const largestAnswer = 64 * 1024 * 1024;

/** A session with the given key, else as whoever signed in last, by browser or key. Without either nothing is sent. */
export async function openSession(cli: Cli): Promise<Session> {
  const server = await serverOf(cli);
  if (cli.env.PLANTON_API_KEY) return sessionWith(server, cli.env.PLANTON_API_KEY);
  const signedIn = await currentSession(cli, server);
  if (signedIn) return sessionBy(server, () => sessionCredential(cli, server, signedIn.account));
  const key = await readApiKey(cli, server);
  if (!key)
    throw new CliError(`not signed in to ${server}`, {
      exitCode: exitCodes.caller,
      hint: 'sign in with `planton auth login`, or with --api-key-file PATH, or set PLANTON_API_KEY',
    });
  return sessionWith(server, key);
}

/** Whether a credential is at hand, so that a command can do without the server. */
export async function isSignedIn(cli: Cli): Promise<boolean> {
  if (cli.env.PLANTON_API_KEY) return true;
  const server = await serverOf(cli);
  return Boolean((await currentSession(cli, server)) ?? (await readApiKey(cli, server)));
}

/** The session of the account that the context names, else of whoever signed in last. Throws where that account is not signed in. */
export async function currentSession(cli: Cli, server: string): Promise<StoredSession | undefined> {
  const context = await readContext(cli);
  const isThere = context.server === undefined || context.server === server;
  const account = isThere ? context.account : undefined;
  const session = await readSession(cli, server, account);
  if (session || account === undefined) return session;
  throw new CliError(`${account} is not signed in to ${server}`, {
    exitCode: exitCodes.caller,
    hint: 'planton auth login, or planton context set --account ""',
  });
}

/** A session with this key. */
export function sessionWith(server: string, key: string): Session {
  if (/[^\x21-\x7e]/.test(key))
    throw usage('the API key has blanks or characters that no key has', 'paste it again');
  return sessionBy(server, () => key);
}

/** A session with a credential that is asked for before every call, so that a long command outlives each. */
function sessionBy(server: string, credential: () => string | Promise<string>): Session {
  const transport = transportOf(server, [waitWhenTold(), authenticateBy(credential)]);
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

function authenticateBy(credential: () => string | Promise<string>): Interceptor {
  return (next) => async (request) => {
    request.header.set('authorization', `Bearer ${await credential()}`);
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
