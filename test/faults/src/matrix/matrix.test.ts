import { join } from 'node:path';
import type { DescMethod, DescService, Message } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import type { Transport } from '@connectrpc/connect';
import { ConfigManager } from '@planton/api/config/v1/config_manager_service';
import { ConnectionService } from '@planton/api/connect/v1/connection_service';
import { Health } from '@planton/api/grpc/health/v1/health';
import { ServerReflection } from '@planton/api/grpc/reflection/v1/reflection';
import { Identity } from '@planton/api/identity/v1/identity_service';
import { RunnerGateway } from '@planton/api/runner/v1/runner_gateway';
import { RunnerService } from '@planton/api/runner/v1/runner_service';
import { createPlanton } from '@planton/client';
import { accessRuleOf } from '@planton/rpc';
import { type Platform, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { behindProxy, callRpc, connectTo, inParallel, type Outcome } from './call-rpc.ts';
import { expectAdmission, findFault, type MatrixCaller } from './expect-admission.ts';
import { fillMessage, textFields } from './fill-message.ts';
import { ABSENT, OTHER, OWN, prepareCallers, prepareOrganizations, roles } from './prepare-callers.ts';
import { methodsOf, reflectContract } from './reflect-contract.ts';

const served = [Identity, ConfigManager, ConnectionService, RunnerService, Health, ServerReflection];

let platform: Platform;
let services: readonly DescService[];
let methods: readonly DescMethod[];
let callers: readonly MatrixCaller[];
let transport: Transport;

interface Case {
  readonly method: DescMethod;
  readonly caller: MatrixCaller;
  readonly org: string;
  readonly content: string;
  readonly message: Message;
}

const nameOf = ({ parent, name }: DescMethod) => `${parent.typeName}/${name}`;
const carryOut = ({ method, caller, message }: Case) =>
  callRpc(transport, method, message, caller.authorization);

/** Three contents for each RPC: nothing, what the rules accept, and texts that no rule accepts. */
function contentsFor(
  method: DescMethod,
  org: string,
  serial: number,
): readonly (readonly [string, Message])[] {
  const given = { org };
  const bare = reflect(method.input);
  const hostile = reflect(method.input);
  for (const field of textFields(method.input)) {
    if (field.localName === 'org') {
      bare.set(field, org);
      hostile.set(field, org);
    } else hostile.set(field, `'; drop table "\0 ${'x'.repeat(2000)}`);
  }
  return [
    ['bare', bare.message],
    ['filled', fillMessage(method.input, given, `absent-${serial}`)],
    ['hostile', hostile.message],
  ];
}

beforeAll(async () => {
  platform = await startPlatform({ env: behindProxy });
  services = await reflectContract(platform.url);
  methods = methodsOf(services);
  callers = await prepareCallers(await prepareOrganizations(platform));
  transport = connectTo(platform.url);
}, 120_000);
afterAll(() => platform?.stop());

test('reflection shows every RPC of the contract, and each says who may call it', () => {
  const listed = (all: readonly DescService[]) => methodsOf(all).map(nameOf).sort();
  expect(listed(services)).toEqual(listed(served));
  expect(listed(services).length).toBeGreaterThan(80);
  for (const method of methods) expect(() => accessRuleOf(method)).not.toThrow();
});

test('what needs a certificate is not served to tokens', async () => {
  const [caller] = callers;
  for (const method of RunnerGateway.methods) {
    const outcome = await callRpc(transport, method, create(method.input), caller?.authorization);
    expect(outcome.reason, method.name).toBe('');
    expect(outcome.code, method.name).toBeDefined();
  }
});

describe('the matrix', () => {
  test('every role, RPC and organisation is decided by the one table, whatever the message says', async () => {
    const cases: Case[] = [];
    for (const method of methods) {
      for (const org of [OWN, OTHER, ABSENT]) {
        for (const caller of callers) {
          const contents = contentsFor(method, org, cases.length);
          for (const [content, message] of org === OWN ? contents : contents.slice(1))
            cases.push({ method, caller, org, content, message });
        }
      }
    }
    const outcomes = await inParallel(cases, carryOut);
    const faults = cases.flatMap(({ method, caller, org, content }, at) => {
      const fault = findFault(method, caller, org, outcomes[at] as Outcome);
      return fault ? [`${nameOf(method)} by ${caller.title} in ${org} (${content}): ${fault}`] : [];
    });
    expect(faults).toEqual([]);

    expect(cases.length).toBeGreaterThan(5_000);
    expect(outcomes).toHaveLength(cases.length);
    const decided = (method: DescMethod, admission: 'admitted' | 'refused') =>
      cases.some(
        (each) =>
          each.method === method &&
          (expectAdmission(method, each.caller, each.org) === 'admitted') === (admission === 'admitted'),
      );
    for (const method of methods) {
      const { rule } = accessRuleOf(method);
      const closed = rule.case === 'service' || rule.case === 'instanceOwner';
      expect(decided(method, 'admitted'), nameOf(method)).toBe(!closed);
      expect(decided(method, 'refused'), nameOf(method)).toBe(rule.case !== 'anonymous');
    }
    for (const role of Object.keys(roles))
      expect(cases.some(({ caller }) => caller.membership?.role === role)).toBe(true);
  }, 300_000);
});

test('a token that has expired opens nothing', async () => {
  const token = await expireToken();
  const caller: MatrixCaller = {
    title: 'too late',
    authorization: `Bearer ${token}`,
    refused: 'TOKEN_EXPIRED',
  };
  transport = connectTo(platform.url);
  const cases = methods.flatMap((method, at) =>
    contentsFor(method, OWN, at).map(([content, message]) => ({
      method,
      caller,
      org: OWN,
      content,
      message,
    })),
  );
  const outcomes = await inParallel(cases, carryOut);
  const faults = cases.flatMap(({ method, content }, at) => {
    const fault = findFault(method, caller, OWN, outcomes[at] as Outcome);
    return fault ? [`${nameOf(method)} (${content}): ${fault}`] : [];
  });
  expect(faults).toEqual([]);
}, 180_000);

/** An owner's token of a server that has since been started again, an hour later by its own clock. */
async function expireToken(): Promise<string> {
  const owner = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  const { accessToken } = await owner.identity.exchangeToken({ apiKey: platform.ownerKey(), org: OWN });
  await platform.end('SIGTERM');
  await platform.start({
    NODE_OPTIONS: `--import ${join(import.meta.dirname, '../shift-clock.ts')}`,
    TEST_CLOCK_SHIFT_MS: '3600000',
  });
  return accessToken;
}
