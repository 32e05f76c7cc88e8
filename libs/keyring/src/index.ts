export { checkFingerprint } from './check-fingerprint.ts';
export {
  createKeyring,
  type DataKey,
  type Keyring,
  type KeyringSettings,
  type OrganizationKey,
  type SecretVersionPlace,
  type WrappedOrganizationKey,
} from './create-keyring.ts';
export { createSealingKey, type SealingKey } from './create-sealing-key.ts';
export { KeyringError, type KeyringErrorReason } from './keyring-error.ts';
export { type MasterKey, type OpenMasterKeyOptions, openMasterKey } from './open-master-key.ts';
export { type MasterKeySource, parseMasterKeySource } from './parse-master-key-source.ts';
export type { RandomBytes } from './seal.ts';
