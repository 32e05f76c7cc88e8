import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterEach } from 'vitest';
import { ACCOUNT, OTHER_ACCOUNT } from './use-aws.ts';

/** What a server answers; `hang` is no answer. */
export type QueryAnswer = { readonly status: number; readonly body: string } | 'hang';

/** A service of AWS that answers what a test wants, to requests of the query protocol whose signature nobody looks at. */
export interface QueryServer {
  readonly url: string;
  /** The parameters of every request, oldest first. */
  readonly requests: readonly URLSearchParams[];
}

/** Starts servers that end with the test. */
export function useQueryServers(): (
  answer: (parameters: URLSearchParams) => QueryAnswer,
) => Promise<QueryServer> {
  let running: ReturnType<typeof createServer>[] = [];
  afterEach(async () => {
    for (const server of running) {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    }
    running = [];
  });
  return async (answer) => {
    const requests: URLSearchParams[] = [];
    const server = createServer(async (request, response) => {
      const parameters = new URLSearchParams(await text(request));
      requests.push(parameters);
      const answered = answer(parameters);
      if (answered === 'hang') return;
      response.writeHead(answered.status, { 'content-type': 'text/xml' }).end(answered.body);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    running.push(server);
    return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
  };
}

export function refusal(code: string, message = '', status = 403): QueryAnswer {
  const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error></ErrorResponse>`;
  return { status, body };
}

/** Answers STS to whatever is asked; canaries stand where the session's credentials are. */
export function sessionOf(parameters: URLSearchParams, account = ACCOUNT): QueryAnswer {
  const arn = `arn:aws:sts::${account}:assumed-role/PlantonRole/planton`;
  if (parameters.get('Action') === 'GetCallerIdentity')
    return answer('GetCallerIdentity', `<Arn>${arn}</Arn><Account>${account}</Account>`);
  return answer(
    'AssumeRole',
    `<AssumedRoleUser><Arn>${arn}</Arn><AssumedRoleId>AROA:planton</AssumedRoleId></AssumedRoleUser>
     <Credentials><AccessKeyId>ASIASESSIONSESSIONSE</AccessKeyId><SecretAccessKey>session/canary/secret</SecretAccessKey>
     <SessionToken>session/canary/token</SessionToken><Expiration>2100-01-01T00:00:00Z</Expiration></Credentials>`,
  );
}

export function answer(action: string, result: string): QueryAnswer {
  return {
    status: 200,
    body: `<${action}Response><${action}Result>${result}</${action}Result></${action}Response>`,
  };
}

/** How AWS denies a role to the runner. */
export function denial(action = 'sts:AssumeRole'): QueryAnswer {
  const who = `arn:aws:iam::${OTHER_ACCOUNT}:user/runner`;
  return refusal('AccessDenied', `User: ${who} is not authorized to perform: ${action} on resource: arn`);
}
