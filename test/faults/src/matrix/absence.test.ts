import { randomBytes, randomUUID } from 'node:crypto';
import type { DescMethod } from '@bufbuild/protobuf';
import { Code, type Transport } from '@connectrpc/connect';
import type { Permission } from '@planton/api/common/v1/access';
import type { Planton } from '@planton/client';
import { accessRuleOf, type RoleName, roleHolds } from '@planton/rpc';
import { type Platform, startPlatform } from '@planton/test-platform';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { behindProxy, callRpc, connectTo, inParallel, type Outcome } from './call-rpc.ts';
import { fillMessage, textFields } from './fill-message.ts';
import { COVERED, NOT_COVERED, OTHER, OWN, prepareOrganizations, roles } from './prepare-callers.ts';
import { type OtherThings, prepareThings, snapshotThings } from './prepare-things.ts';
import { methodsOf, reflectContract } from './reflect-contract.ts';

let platform: Platform;
let owner: Planton;
let methods: readonly DescMethod[];
let transport: Transport;
let things: OtherThings;

/** One question, asked twice: with the name of something that is not the caller's to see, and with that of nothing. */
interface Pair {
  readonly title: string;
  readonly method: DescMethod;
  readonly token: string;
  readonly org: string;
  /** Fields to set; with the name in them that the two questions differ in. */
  readonly fields: (name: string) => Readonly<Record<string, unknown>>;
  /** What the required texts say. */
  readonly required: (name: string) => string;
  readonly there: string;
  readonly absent: string;
}

/** An outcome without the name that was asked about. */
function withoutName({ code, reason, message, metadata }: Outcome, name: string) {
  const strip = (text: string) => text.replaceAll(name, '…');
  const values = Object.entries(metadata).map(([key, value]) => [key, strip(value)]);
  return { code: code && Code[code], reason, message: strip(message), metadata: Object.fromEntries(values) };
}

async function askBoth(pair: Pair): Promise<readonly [Outcome, Outcome]> {
  const ask = (name: string) => {
    const message = fillMessage(
      pair.method.input,
      { org: pair.org, ...pair.fields(name) },
      pair.required(name),
    );
    return callRpc(transport, pair.method, message, `Bearer ${pair.token}`);
  };
  return [await ask(pair.there), await ask(pair.absent)];
}

async function differencesAmong(pairs: readonly Pair[]): Promise<readonly unknown[]> {
  const outcomes = await inParallel(pairs, askBoth);
  return pairs.flatMap(({ title, there, absent }, at) => {
    const [first, second] = outcomes[at] as readonly [Outcome, Outcome];
    const [a, b] = [withoutName(first, there), withoutName(second, absent)];
    return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ title, there: a, absent: b }];
  });
}

/** Something of the same form that does not exist. */
const absentLike = (name: string) =>
  name.length === 36 ? randomUUID() : randomBytes(name.length).toString('hex').slice(0, name.length);

const holdersOf = (permission: Permission) =>
  (Object.keys(roles) as RoleName[]).filter((role) => roleHolds(role, permission));

async function tokenOf(org: string, name: string, role: RoleName, environments: string[] = []) {
  const { key } = await owner.identity.createApiKey({ org, name, role: roles[role], environments });
  return (await owner.identity.exchangeToken({ apiKey: key, org })).accessToken;
}

beforeAll(async () => {
  platform = await startPlatform({ env: behindProxy });
  methods = methodsOf(await reflectContract(platform.url)).filter(
    (method) => accessRuleOf(method).rule.case === 'permission',
  );
  owner = await prepareOrganizations(platform);
  things = await prepareThings(owner, OTHER);
  transport = connectTo(platform.url);
}, 120_000);
afterAll(() => platform?.stop());

test('what another organisation has reads like nothing, wherever a text can name it, and stays as it is', async () => {
  const before = await snapshotThings(owner, OTHER);
  const pairs: Pair[] = [];
  // An organisation for each RPC: what one of them makes is not what another finds.
  const tokens = await inParallel(methods, async (method) => {
    const org = `asks-${methods.indexOf(method)}`;
    await owner.identity.createOrganization({ slug: org });
    return { org, token: await tokenOf(org, 'asking', 'admin') };
  });
  for (const [at, method] of methods.entries()) {
    const { org, token } = tokens[at] as { org: string; token: string };
    const optional = textFields(method.input).filter(({ localName }) => localName !== 'org');
    for (const [kind, there] of Object.entries(things)) {
      const common = { method, token, org, there, absent: absentLike(there) };
      const title = `${method.parent.name}/${method.name} with ${kind}`;
      pairs.push({ ...common, title, fields: () => ({}), required: (name) => name });
      for (const { localName } of optional) {
        const fields = (name: string) => ({ [localName]: name });
        const filler = `nothing-${pairs.length}`;
        pairs.push({ ...common, title: `${title} in ${localName}`, fields, required: () => filler });
      }
    }
  }
  expect(await differencesAmong(pairs)).toEqual([]);
  expect(pairs.length).toBeGreaterThan(1_500);
  expect(await snapshotThings(owner, OTHER)).toEqual(before);
}, 300_000);

test('an environment that a role does not cover reads like one that does not exist', async () => {
  const pairs: Pair[] = [];
  for (const role of Object.keys(roles) as RoleName[]) {
    if (role === 'owner') continue;
    const token = await tokenOf(OWN, `${role}-limited`, role, [COVERED]);
    for (const method of methods) {
      const { rule } = accessRuleOf(method);
      if (rule.case !== 'permission' || !holdersOf(rule.value).includes(role)) continue;
      for (const field of method.input.fields) {
        if (field.localName !== 'environment' && field.localName !== 'environments') continue;
        const fields = (name: string) => ({
          [field.localName]: field.fieldKind === 'list' ? [name] : name,
          // An owner cannot be limited, and a key of one's own has no environments.
          role: roles.viewer,
        });
        const filler = `nothing-${pairs.length}`;
        const title = `${role}: ${method.parent.name}/${method.name} in ${field.localName}`;
        const required = () => filler;
        const absent = absentLike(NOT_COVERED);
        pairs.push({ title, method, token, org: OWN, fields, required, there: NOT_COVERED, absent });
      }
    }
  }
  expect(await differencesAmong(pairs)).toEqual([]);
  expect(pairs.length).toBeGreaterThan(30);
  const answered = await inParallel(pairs, async (pair) =>
    (await askBoth(pair))[0].code === undefined ? [pair.title] : [],
  );
  expect(answered.flat()).toEqual([]);
}, 60_000);
