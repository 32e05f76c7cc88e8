import { Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256 } from '@hpke/core';
import type { AttemptReference } from '@planton/api/runner/v1/session';
import { OperationFailed } from '../operation-failed.ts';

/** Bytes of an X25519 public key. */
const KEY_LENGTH = 32;
const INFO = new TextEncoder().encode('planton/operation-result/v1');

/** An output that only the holder of the requester's private key can open. */
export interface Sealed {
  readonly encapsulatedKey: Uint8Array;
  readonly ciphertext: Uint8Array;
}

/** What seals outputs to one requester. */
export interface Sealer {
  /** Overwrites the plaintext. */
  seal(plaintext: Uint8Array<ArrayBuffer>, attempt: AttemptReference): Promise<Sealed>;
}

/**
 * Seals outputs to the requester's key by HPKE in base mode: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. The output is bound to
 * its attempt. The key is checked first, so that nothing secret is asked for that could not be handed over.
 *
 * @throws OperationFailed `INVALID` for what is no such key
 */
export async function openSealer(publicKey: Uint8Array): Promise<Sealer> {
  const suite = new CipherSuite({
    kem: new DhkemX25519HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes256Gcm(),
  });
  if (publicKey.length !== KEY_LENGTH) throw unusable();
  const recipientPublicKey = await suite.kem.deserializePublicKey(new Uint8Array(publicKey));
  // A point of small order leads to a shared secret that everyone knows: encapsulation refuses it.
  await suite.createSenderContext({ recipientPublicKey, info: INFO }).catch(() => {
    throw unusable();
  });
  return {
    seal: async (plaintext, { operationUid, attempt }) => {
      const data = new TextEncoder().encode(`${operationUid}/${attempt}`);
      try {
        const { enc, ct } = await suite.seal({ recipientPublicKey, info: INFO }, plaintext, data);
        return { encapsulatedKey: new Uint8Array(enc), ciphertext: new Uint8Array(ct) };
      } finally {
        plaintext.fill(0);
      }
    },
  };
}

function unusable(): OperationFailed {
  return new OperationFailed(
    'INVALID',
    'RESULT_KEY_INVALID',
    'the operation needs a key that its output is sealed to: an X25519 public key of 32 bytes',
  );
}
