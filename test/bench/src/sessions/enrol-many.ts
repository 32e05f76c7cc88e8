import { createPlanton } from '@planton/client';
import { createKeyRequest } from '@planton/enrolment';
import type { Platform } from '@planton/test-platform';

/** Identities of many instances that share a key, which the gateway neither knows nor minds. */
export interface Identities {
  readonly key: string;
  readonly ca: string;
  readonly certificates: readonly string[];
}

const AT_ONCE = 16;
/** The gateway takes 200 sessions of one registration at most. */
const PER_RUNNER = 150;

/** Registers as many runners as it takes in the organisation `bench`, named after the prefix, and enrols instances. */
export async function enrolMany(platform: Platform, prefix: string, count: number): Promise<Identities> {
  const { runners } = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  const { privateKey, certificateRequest } = await createKeyRequest();
  const tokens: string[] = [];
  for (let i = 0; i * PER_RUNNER < count; i++) {
    const runner = `${prefix}-${i}`;
    await runners.registerRunner({ org: 'bench', name: runner });
    const { text } = await runners.createRunnerToken({ org: 'bench', runner, useLimit: 0 });
    tokens.push(text);
  }
  const certificates: string[] = [];
  let ca = '';
  let next = 0;
  const work = async () => {
    while (next < count) {
      const index = next++;
      const { certificate } = await runners.enrollRunner({
        token: tokens[index % tokens.length] ?? '',
        certificateRequest,
        instanceName: `bench-${index}`,
        ephemeral: true,
      });
      ca = certificate?.caBundle ?? '';
      certificates.push(certificate?.certificate ?? '');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { key: privateKey, ca, certificates };
}
