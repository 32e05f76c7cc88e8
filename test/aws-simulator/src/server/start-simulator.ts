import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerPut } from '../cloudformation/responses/answer-put.ts';
import { RESPONSE_PATH } from '../cloudformation/responses/keep-responses.ts';
import { answerConsole, isForConsole } from '../console/answer-console.ts';
import { quickCreate } from '../console/quick-create.ts';
import { noSuchEntity, validationError } from '../errors/aws-error.ts';
import { arnOf } from '../iam/know-role.ts';
import { buildAws } from './build-aws.ts';
import { queueFaults } from './queue-faults.ts';
import type { RecordedCall } from './recorded-call.ts';
import { serveAws } from './serve-aws.ts';
import type { AwsSimulator, AwsSimulatorOptions } from './simulator.ts';

const MOST_RECORDS = 1000;
const SESSION_SECONDS = 3_600;

/**
 * Starts a server that answers as AWS does, on this machine alone.
 *
 * @throws Error when an account is wrong or the port is taken
 */
export async function startAwsSimulator(options: AwsSimulatorOptions): Promise<AwsSimulator> {
  const now = options.now ?? (() => new Date());
  const records: RecordedCall[] = [];
  const faults = queueFaults();
  const stopping = new AbortController();
  let url = '';
  const aws = buildAws({
    accounts: options.accounts,
    consoleAccount: options.consoleAccount,
    templates: options.templates ?? {},
    clockFactor: options.clockFactor ?? 1,
    random: options.random,
    now,
    stopping: stopping.signal,
    origin: () => url,
  });
  const { world, iam, console, invoker, functionFaults } = aws;
  const { sessions, stacks } = world;
  const remember = (record: RecordedCall): void => {
    records.push(record);
    if (records.length > MOST_RECORDS) records.shift();
  };
  const serving = { world, faults, now, stopping: stopping.signal, remember };
  const serve = (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = message.url?.split('?', 1)[0] ?? '';
    if (isForConsole(path)) return answerConsole(message, response, console);
    if (path.startsWith(RESPONSE_PATH)) return answerPut(message, response, aws.responses);
    return serveAws(message, response, serving);
  };
  const find = (nameOrArn: string) =>
    nameOrArn.startsWith('arn:')
      ? stacks.find(nameOrArn)
      : (stacks.list().findLast(({ name, status }) => name === nameOrArn && status !== 'DELETE_COMPLETE') ??
        stacks.list().findLast(({ name }) => name === nameOrArn));
  const idOf = (nameOrArn: string): string => {
    const stack = find(nameOrArn);
    if (stack === undefined) throw validationError(`Stack with id ${nameOrArn} does not exist`);
    return stack.stackId;
  };

  const server = createServer(
    { maxHeaderSize: 32 * 1024, headersTimeout: 10_000, requestTimeout: 15_000 },
    (message, response) => void serve(message, response).catch(() => message.destroy()),
  );
  server.listen(options.listen?.port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  url = `http://127.0.0.1:${port}`;

  return {
    url,
    requests: () => [...records],
    replaceAccounts: (accounts) => aws.replaceAccounts(accounts),

    putRole: (accountId, role) => {
      const account = aws.account(accountId);
      if (account === undefined) throw noSuchEntity(`there is no account ${accountId}`);
      const arn = arnOf(account, role);
      if (iam.currentRole(arn) === undefined) iam.createRole(accountId, role);
      else iam.changeRole(arn, () => role);
      return arn;
    },
    setTrustPolicy: (arn, trustPolicy) => void iam.changeRole(arn, (role) => ({ ...role, trustPolicy })),
    deleteRole: (arn) => iam.deleteRole(arn),
    propagationDelay: (milliseconds) => iam.delayPropagation(milliseconds),

    issueSession: (arn, sessionName = 'simulator') => {
      const role = iam.findRole(arn);
      if (role === undefined) throw noSuchEntity(`The role ${arn} cannot be found.`);
      return sessions.issue(role, sessionName, new Date(now().getTime() + SESSION_SECONDS * 1_000));
    },
    expireSessions: () => sessions.expire(now()),

    quickCreate: (link, edits) => quickCreate(console, link, edits),
    stack: find,
    waitForStack: async (nameOrArn) => stacks.settled(idOf(nameOrArn)),
    updateStack: (nameOrArn, parameters, template) => stacks.update(idOf(nameOrArn), parameters, template),
    deleteStack: (nameOrArn) => stacks.delete(idOf(nameOrArn)),
    invocations: () => invoker.invocations(),
    waitForInvocations: async () => {
      await invoker.idle();
      return invoker.invocations();
    },

    fail: (fault, times = 1, target = {}) => faults.add(fault, times, target),
    delay: (milliseconds, target = {}) => faults.delay(milliseconds, target),
    failNextStack: (fault) => stacks.failNext(fault),
    repeatLambda: (times) => {
      functionFaults.times = times;
    },
    blockCallbacks: (how = 'refused') => {
      functionFaults.network = how;
    },
    heal: () => {
      faults.clear();
      stacks.heal();
      iam.propagate();
      Object.assign(functionFaults, { network: 'open', times: 1 });
    },
    stop: async () => {
      stopping.abort(new Error('the simulator was stopped'));
      const closed = server.listening ? once(server, 'close') : undefined;
      server.close();
      server.closeAllConnections();
      await Promise.all([closed, invoker.stop()]);
    },
  };
}
