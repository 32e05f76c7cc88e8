import { KeyringError } from './keyring-error.ts';

/** Where a master key comes from. A key service joins as another kind; everything after `openMasterKey` is asynchronous already. */
export type MasterKeySource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'env'; readonly name: string };

/**
 * Reads `file:PATH` or `env:NAME`.
 *
 * @throws KeyringError `master_key_malformed`; the text is not repeated, since it may be a key pasted by mistake
 */
export function parseMasterKeySource(text: string): MasterKeySource {
  const [, kind, rest] = /^(file|env):([^\0\r\n]{1,4096})$/.exec(text) ?? [];
  if (kind === 'file' && rest !== undefined) return { kind, path: rest };
  if (kind === 'env' && rest !== undefined && /^[A-Za-z_][A-Za-z0-9_]*$/.test(rest))
    return { kind, name: rest };
  throw new KeyringError(
    'master_key_malformed',
    'a master key source is file:PATH or env:NAME, for example file:/etc/planton/master.key',
  );
}
