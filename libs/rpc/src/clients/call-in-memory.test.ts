import { setTimeout as sleep } from 'node:timers/promises';
import {
  Code,
  ConnectError,
  type ConnectRouter,
  createClient,
  type HandlerContext,
} from '@connectrpc/connect';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { describe, expect, test } from 'vitest';
import { requestIdKey } from '../caller/caller.ts';
import { callInMemory } from './call-in-memory.ts';

let answer: (context: HandlerContext) => Promise<object> = async () => ({});
const routes = (router: ConnectRouter) =>
  router.service(Identity, { whoAmI: (_request, context) => answer(context) });
const client = createClient(
  Identity,
  callInMemory(routes, [], (next) => next),
);
const refusal = (call: Promise<unknown>) => call.then(() => expect.fail('answered'), ConnectError.from);

describe('a call in memory', () => {
  test('answers, and keeps the contexts of both sides apart', async () => {
    answer = async (context) => {
      context.values.set(requestIdKey, 'callee');
      return { subjectUid: 'ada' };
    };
    expect(await client.whoAmI({})).toMatchObject({ subjectUid: 'ada', name: '' });
  });

  test('an error keeps its code and loses its cause, as over a network', async () => {
    answer = async () => {
      throw new ConnectError('no', Code.NotFound, undefined, undefined, new Error('private'));
    };
    const error = await refusal(client.whoAmI({}));
    expect([error.code, error.rawMessage, error.cause]).toEqual([Code.NotFound, 'no', undefined]);
  });

  test('what is not served is unimplemented', async () => {
    expect((await refusal(client.listOrganizations({}))).code).toBe(Code.Unimplemented);
  });

  test('ends at its deadline, whatever the handler does, and the handler hears of it', async () => {
    let aborted = false;
    answer = async ({ signal, timeoutMs }) => {
      expect(timeoutMs()).toBeGreaterThan(0);
      signal.addEventListener('abort', () => {
        aborted = true;
      });
      await sleep(60_000, undefined, { ref: false });
      return {};
    };
    const error = await refusal(client.whoAmI({}, { timeoutMs: 20 }));
    expect([error.code, aborted]).toEqual([Code.DeadlineExceeded, true]);
  });

  test('ends when the caller goes, before it or meanwhile', async () => {
    answer = async () => {
      await sleep(60_000, undefined, { ref: false });
      return {};
    };
    const caller = new AbortController();
    const call = client.whoAmI({}, { signal: caller.signal });
    caller.abort();
    expect((await refusal(call)).code).toBe(Code.Canceled);
    expect((await refusal(client.whoAmI({}, { signal: caller.signal }))).code).toBe(Code.Canceled);
  });
});
