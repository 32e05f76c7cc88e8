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

/** Registers the runner `bench` in the organisation `bench`, where they are not there yet, and enrols instances. */
export async function enrolMany(platform: Platform, count: number): Promise<Identities> {
  await platform.planton('runner', 'register', '--name', 'bench', '--org', 'bench');
  const pool = ['runner', 'token', 'create', 'bench', '--pool', '--org', 'bench'];
  const token = (await platform.planton(...pool)).trim();
  const { privateKey, certificateRequest } = await createKeyRequest();
  const { runners } = createPlanton({ server: platform.url, apiKey: platform.ownerKey() });
  const certificates: string[] = [];
  let ca = '';
  let left = count;
  const work = async () => {
    while (left-- > 0) {
      const { certificate } = await runners.enrollRunner({
        token,
        certificateRequest,
        instanceName: `bench-${left}`,
        ephemeral: true,
      });
      ca = certificate?.caBundle ?? '';
      certificates.push(certificate?.certificate ?? '');
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return { key: privateKey, ca, certificates };
}
