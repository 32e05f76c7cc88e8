import { create } from '@bufbuild/protobuf';
import { Role } from '@planton/api/identity/v1/organization';
import { OperationInputSchema } from '@planton/api/runner/v1/operation';
import type { Planton } from '@planton/client';
import { connectionNamed } from '../connection-requests.ts';
import { NOT_COVERED } from './prepare-callers.ts';

/** The names and uids of one thing of each kind. */
export type OtherThings = Readonly<Record<string, string>>;

/** Makes one thing of each kind in an organisation. */
export async function prepareThings(owner: Planton, org: string): Promise<OtherThings> {
  const { config, connections, identity, runners } = owner;
  for (const slug of ['key-id', 'key'])
    await config.setSecret({ org, slug, entries: { value: 'AKIAIOSFODNN7EXAMPLE' } });
  const { secret } = await config.getSecret({ org, slug: 'key' });
  await config.setVariable({ org, slug: 'their-variable', value: 'us-west-2' });
  const applied = await connections.applyConnection({ ...connectionNamed('their-connection'), org });
  const { runner } = await runners.registerRunner({ org, name: 'their-runner' });
  const { token } = await runners.createRunnerToken({ org, runner: 'their-runner' });
  const { operation } = await runners.executeOperation({
    org,
    runner: 'their-runner',
    input: create(OperationInputSchema, { kind: { case: 'ping', value: {} } }),
    timeout: { seconds: 600n },
    detach: true,
  });
  const { apiKey } = await identity.createApiKey({ org, name: 'their-account', role: Role.DEPLOYER });
  const invited = { org, email: 'their-guest@example.com', role: Role.VIEWER };
  const { invitation } = await identity.createInvitation(invited);
  const { environments } = await identity.listEnvironments({ org });
  const { variable } = await config.getVariable({ org, slug: 'their-variable' });
  const found = {
    'secret slug': 'key-id',
    'secret uid': secret?.uid,
    'variable slug': 'their-variable',
    'variable uid': variable?.uid,
    'connection slug': 'their-connection',
    'connection uid': applied.connection?.kind.value?.metadata?.uid,
    'runner slug': 'their-runner',
    'runner uid': runner?.metadata?.uid,
    'runner token uid': token?.uid,
    'operation uid': operation?.uid,
    'service account slug': 'their-account',
    'service account uid': apiKey?.subjectUid,
    'API key uid': apiKey?.uid,
    'invitation uid': invitation?.uid,
    'environment uid': environments.find(({ slug }) => slug === NOT_COVERED)?.uid,
  };
  return Object.fromEntries(
    Object.entries(found).map(([kind, name]) => {
      if (!name) throw new Error(`there is no ${kind}`);
      return [kind, name];
    }),
  );
}

/** Everything that the organisation has, as its owner sees it. */
export async function snapshotThings({ config, connections, identity, runners }: Planton, org: string) {
  const { apiKeys } = await identity.listApiKeys({ org });
  // Without what the server finds out by itself meanwhile.
  const { connections: listed } = await connections.listConnections({ org });
  return {
    environments: await identity.listEnvironments({ org }),
    members: await identity.listMembers({ org }),
    invitations: await identity.listInvitations({ org }),
    serviceAccounts: await identity.listServiceAccounts({ org }),
    apiKeys: apiKeys.map(({ uid, name, role, expireTime }) => ({ uid, name, role, expireTime })),
    secrets: await config.listSecrets({ org }),
    versions: await config.listSecretVersions({ org, slug: 'key' }),
    variables: await config.listVariables({ org }),
    connections: listed.map(({ kind: { value } }) => ({ metadata: value?.metadata, spec: value?.spec })),
    defaults: await connections.listDefaultProviderConnections({ org }),
    authorizations: await connections.listProviderConnectionAuthorizations({ org }),
    runners: await runners.listRunners({ org }),
    tokens: await runners.listRunnerTokens({ org, runner: 'their-runner' }),
    operations: await runners.listOperations({ org }),
  };
}
