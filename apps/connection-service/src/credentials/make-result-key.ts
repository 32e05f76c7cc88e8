import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { SealedOutput } from '@planton/api/runner/v1/operation';
import { internal } from '@planton/rpc';

const INFO = new TextEncoder().encode('planton/operation-result/v1');

/** The attempt whose output was sealed. */
export interface SealedBy {
  readonly operationUid: string;
  readonly attempt: number;
}

/** A key for one operation: the private half is in this memory alone, and gone with the object. */
export interface ResultKey {
  /** X25519, 32 bytes. */
  readonly publicKey: Uint8Array;
  /** The plaintext, which whoever reads it overwrites. Throws `OUTPUT_NOT_OPENED` for what was not sealed to this key by this attempt. */
  open(sealed: SealedOutput, by: SealedBy): Promise<Uint8Array>;
}

/** HPKE in base mode, as runners seal: see the contract of operations. */
export async function makeResultKey(): Promise<ResultKey> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  const { publicKey, privateKey } = await suite.kem.generateKeyPair();
  return {
    publicKey: new Uint8Array(await suite.kem.serializePublicKey(publicKey)),
    open: async ({ encapsulatedKey, ciphertext }, { operationUid, attempt }) => {
      const recipient = { recipientKey: privateKey, enc: new Uint8Array(encapsulatedKey), info: INFO };
      const data = new TextEncoder().encode(`${operationUid}/${attempt}`);
      try {
        return new Uint8Array(await suite.open(recipient, new Uint8Array(ciphertext), data));
      } catch {
        throw internal(
          'OUTPUT_NOT_OPENED',
          `operation ${operationUid}: its output was not sealed to whoever asked`,
        );
      }
    },
  };
}
