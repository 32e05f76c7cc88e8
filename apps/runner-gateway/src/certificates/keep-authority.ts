import { randomUUID } from 'node:crypto';
import type { Database } from '@planton/database';
import { internal } from '@planton/rpc';
import type { RunnerTables } from '../schema.ts';
import type { Authority, Signer } from './authority.ts';
import { type AuthorityRow, insertAuthority, listAuthorities, rewrapAuthority } from './authority-store.ts';
import { issueGatewayCertificate } from './issue-gateway-certificate.ts';
import { issueInstanceCertificate } from './issue-instance-certificate.ts';
import { makeAuthority, openSigner } from './make-authority.ts';
import { type MasterKeys, openerOf } from './master-keys.ts';

type Db = Database<RunnerTables>['query'];

interface Origins {
  readonly now: () => Date;
  readonly newUid: () => string;
}

/** What the wrapped bytes are and whose: they open as nothing else. */
const contextOf = (uid: string) => Buffer.from(`planton/runner-gateway/authority-key/v1/${uid}`);

/**
 * The certificate authority of the gateway: made once, its key stored wrapped by the master key, the same on every replica. With the
 * previous master key at hand it is wrapped anew.
 *
 * @throws `MASTER_KEY_WRONG`; nothing has been changed then
 */
export async function keepAuthority(
  { query }: Database<RunnerTables>,
  keys: MasterKeys,
  origins: Origins = { now: () => new Date(), newUid: randomUUID },
): Promise<Authority> {
  let rows = await readAuthorities(query, keys);
  if (!rows.some(({ signs }) => signs)) {
    await addAuthority(query, keys, origins);
    rows = await readAuthorities(query, keys);
  }

  let signer: Signer | undefined;
  for (const row of rows) {
    const privateKey = await unwrapKey(query, row, keys);
    if (row.signs) signer = await openSigner(row.certificate, privateKey);
    else privateKey.fill(0);
  }
  if (!signer) throw internal('AUTHORITY_MISSING', 'there is no certificate authority that signs');
  const signing = signer;
  return {
    caBundle: rows.map(({ certificate }) => certificate).join(''),
    issueInstanceCertificate: (request) => issueInstanceCertificate(signing, request),
    issueGatewayCertificate: (request) => issueGatewayCertificate(signing, request),
  };
}

async function readAuthorities(db: Db, keys: MasterKeys): Promise<AuthorityRow[]> {
  const rows = await listAuthorities(db);
  for (const { master_fingerprint } of rows) openerOf(master_fingerprint, keys);
  return rows;
}

async function addAuthority(db: Db, { master }: MasterKeys, { now, newUid }: Origins): Promise<void> {
  const uid = newUid();
  const { certificate, privateKey, expireTime } = await makeAuthority({ uid, now: now() });
  const wrappedKey = await master.wrap(privateKey, contextOf(uid));
  privateKey.fill(0);
  await insertAuthority(db, {
    uid,
    certificate,
    masterFingerprint: master.fingerprint,
    wrappedKey,
    expireTime,
  });
}

/** The private key, in PKCS #8; stored under the current master key when this returns. */
async function unwrapKey(db: Db, row: AuthorityRow, keys: MasterKeys): Promise<Buffer> {
  const { master } = keys;
  const opener = openerOf(row.master_fingerprint, keys);
  const privateKey = await opener.unwrap(row.wrapped_key, contextOf(row.uid));
  if (opener !== master) {
    const wrappedKey = await master.wrap(privateKey, contextOf(row.uid));
    await rewrapAuthority(db, row, { masterFingerprint: master.fingerprint, wrappedKey });
  }
  return privateKey;
}
