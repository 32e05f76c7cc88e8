import type { MasterKey } from '@planton/keyring';
import { state } from '@planton/rpc';

/** What wraps the service's own keys; during a rotation of the master key also what wrapped them before. */
export interface MasterKeys {
  readonly master: MasterKey;
  readonly previous?: MasterKey | undefined;
}

/** The master key that wrapped something. @throws `MASTER_KEY_WRONG` when it is neither of them */
export function openerOf(masterFingerprint: string, { master, previous }: MasterKeys): MasterKey {
  const opener = [master, previous].find((key) => key?.fingerprint === masterFingerprint);
  if (opener) return opener;
  throw state(
    'MASTER_KEY_WRONG',
    `wrong master key: expected fingerprint ${masterFingerprint}, got ${master.fingerprint}. Nothing has been changed`,
    { hint: 'start with the master key that the data were encrypted with' },
  );
}
