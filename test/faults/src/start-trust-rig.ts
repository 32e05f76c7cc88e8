import type { MessageInitShape } from '@bufbuild/protobuf';
import { AwsTrustSetupState } from '@planton/api/connect/v1/aws_trust_setup';
import type {
  InitiateAwsTrustSetupRequestSchema,
  InitiateAwsTrustSetupResponse,
} from '@planton/api/connect/v1/connection_service';
import { type Account, type AwsSimulator, startAwsSimulator } from '@planton/aws-simulator';
import { createPlanton, type Planton } from '@planton/client';
import {
  inAws,
  type Platform,
  type PlatformOptions,
  platformAccount,
  startPlatform,
} from '@planton/test-platform';
import { waitUntil } from './wait-until.ts';

/** The account of whoever is attacked, and whose console links open. */
export const ACCOUNT = '123456789012';
/** An account of whoever attacks. */
export const OTHER_ACCOUNT = '210987654321';
export const REGION = 'us-west-2';

type Setup = NonNullable<InitiateAwsTrustSetupResponse['setup']>;
type QuickCreateEdits = NonNullable<Parameters<AwsSimulator['quickCreate']>[1]>;
type Stack = Awaited<ReturnType<AwsSimulator['quickCreate']>>;

/** A set-up that was begun. */
export interface Begun {
  readonly org: string;
  readonly setup: Setup;
  readonly link: string;
  readonly externalId: string;
  /** Of the callback; empty where there is none. */
  readonly token: string;
  readonly trustPolicy: string;
}

/** What a stack's function sends, changed or not. */
export type CallbackBody = Readonly<Record<string, unknown>>;

export interface TrustRigOptions extends PlatformOptions {
  /** Whether stacks can call the server back; true when absent. */
  readonly reachable?: boolean;
  readonly accounts?: readonly Account[];
}

/** A server whose runner has an identity in a simulated AWS, with organisation `acme`, whose owner the command line is signed in as. */
export interface TrustRig {
  readonly aws: AwsSimulator;
  readonly platform: Platform;
  readonly owner: Planton;
  begin(name: string, request?: MessageInitShape<typeof InitiateAwsTrustSetupRequestSchema>): Promise<Begun>;
  /** The set-up as it is now. */
  look(begun: Begun): Promise<Setup>;
  /** The set-up once it has ended, or is as asked. */
  wait(begun: Begun, until?: (setup: Setup) => boolean): Promise<Setup>;
  /** Begins, creates the stack, and waits for the end, which has to be a good one. */
  connect(name: string, edits?: QuickCreateEdits, begun?: Begun): Promise<Begun & { readonly stack: Stack }>;
  /** What the function of a stack was told to send. */
  callbackOf(stackId: string): CallbackBody;
  /** Sends a callback as anybody can. */
  callBack(body: unknown): Promise<{ readonly status: number; readonly text: string }>;
  /** Slugs of the connections of an organisation. */
  connections(org?: string): Promise<readonly string[]>;
  /** Records of the audit, newest first. */
  audit(
    action: string,
    slug: string,
    org?: string,
  ): Promise<readonly { readonly details: Record<string, string> }[]>;
  stop(): Promise<void>;
}

/** An attempt that died with its server is taken up again after 75 seconds at most. */
const SETUP_LIMIT_MS = 150_000;

export async function startTrustRig({
  reachable = true,
  accounts = [],
  env,
  ...options
}: TrustRigOptions = {}): Promise<TrustRig> {
  const customers = [ACCOUNT, OTHER_ACCOUNT].map((id) => ({ id, users: [] }));
  const aws = await startAwsSimulator({ accounts: [...customers, platformAccount, ...accounts] });
  const platform = await startPlatform({
    ...options,
    env: (url) => ({ ...inAws(aws, { reachable })(url), ...(typeof env === 'function' ? env(url) : env) }),
  }).catch(async (error: unknown) => {
    await aws.stop();
    throw error;
  });
  const owner = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  await platform.signInAsOwner();
  await platform.planton('org', 'create', 'acme');

  const rig: TrustRig = {
    aws,
    platform,
    owner,
    begin: async (name, request = {}) => {
      const asked = { org: 'acme', accountId: ACCOUNT, region: REGION, ...request, name };
      const answer = await owner.connections.initiateAwsTrustSetup(asked);
      const { setup, quickCreateUrl: link, role } = answer;
      if (!setup || !role) throw new Error('nothing was begun');
      const token = new URLSearchParams(link.split('?').at(-1)).get('param_CallbackToken') ?? '';
      return {
        org: asked.org,
        setup,
        link,
        externalId: role.externalId,
        token,
        trustPolicy: role.trustPolicy,
      };
    },
    look: async ({ org, setup: { uid } }) => {
      const { setup } = await owner.connections.getAwsTrustSetup({ org, setupUid: uid });
      if (!setup) throw new Error('the set-up is not there');
      return setup;
    },
    wait: (begun, until = ({ endTime }) => endTime !== undefined) => {
      let last: Setup | undefined;
      const look = async () => {
        // The server may be on its way down or up.
        last = await rig.look(begun).catch(() => undefined);
        return last && until(last) && last;
      };
      return waitUntil(`set-up of ${begun.setup.connection}`, look, SETUP_LIMIT_MS);
    },
    connect: async (name, edits = {}, given) => {
      const begun = given ?? (await rig.begin(name));
      const created = await aws.quickCreate(begun.link, edits);
      const setup = await rig.wait(begun);
      if (setup.state !== AwsTrustSetupState.COMPLETED)
        throw new Error(`${name} was not connected: ${setup.message}`);
      return { ...begun, setup, stack: await aws.waitForStack(created.stackId) };
    },
    callbackOf: (stackId) => {
      const sent = aws.invocations().find(({ event }) => event.StackId === stackId);
      const properties = sent?.event.ResourceProperties;
      if (typeof properties !== 'object' || !properties || !('Body' in properties))
        throw new Error(`no function of ${stackId} was told what to send`);
      return properties.Body as CallbackBody;
    },
    callBack: async (body) => {
      const response = await fetch(`${platform.url}/callbacks/aws/cloudformation`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: typeof body === 'string' ? body : JSON.stringify(body),
      });
      return { status: response.status, text: await response.text() };
    },
    connections: async (org = 'acme') => {
      const { connections } = await owner.connections.listConnections({ org });
      return connections.map(({ kind }) => kind.value?.metadata?.slug ?? '');
    },
    audit: async (action, resourceSlug, org = 'acme') =>
      (await owner.connections.listAuditRecords({ org, action, resourceSlug })).records,
    stop: async () => {
      await platform.stop();
      await aws.stop();
    },
  };
  return rig;
}
