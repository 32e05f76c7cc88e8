import type { Org, TestCaller, TestConfigManager } from './start-config-manager.ts';

/** The object that the secrets are for. */
export interface TestOwner {
  readonly kind: string;
  readonly uid: string;
  readonly slug: string;
}

export function newOwner(slug = 'my-aws-connection'): TestOwner {
  return { kind: 'AwsProviderConnection', uid: crypto.randomUUID(), slug };
}

/** What a service does with the secrets of one of its objects: in its own name, or for an actor. */
export async function callOwnedSecrets(
  config: TestConfigManager,
  { uid: organizationUid, slug: org }: Org,
  owner: TestOwner,
  {
    service = 'connection-service',
    actor,
  }: { readonly service?: string; readonly actor?: TestCaller | undefined } = {},
) {
  const client = await config.asService(service, actor);
  return {
    mint: (secretUid: string, slug = 'external-id', purpose = 'set up trust') =>
      client.mintOwnedSecret({
        org: actor ? org : '',
        organizationUid,
        secretUid,
        owner: { ...owner },
        slug,
        purpose,
      }),
    access: (secretUid: string, purpose = 'verify') =>
      client.accessOwnedSecret({ organizationUid, secretUid, ownerUid: owner.uid, purpose }),
    retire: (secretUid: string) =>
      client.retireOwnedSecret({ organizationUid, secretUid, ownerUid: owner.uid }),
  };
}

export type OwnedSecretCalls = Awaited<ReturnType<typeof callOwnedSecrets>>;
