import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type CliResult, runProgram } from '@planton/test-platform';

/** Runs `openssl`, a client that knows nothing of ours. Throws where the machine has none: what it shows is not left out. */
export async function runOpenssl(args: readonly string[], input = ''): Promise<CliResult> {
  try {
    return await runProgram('openssl', args, { env: { PATH: process.env.PATH }, input, timeout: 60_000 });
  } catch (error) {
    throw new Error('these tests need the program openssl on PATH: install OpenSSL 3', { cause: error });
  }
}

const read = (file: string) => readFile(file, 'utf8');

/**
 * Dials with `openssl s_client`, which trusts the authority and no other.
 *
 * @param address `HOST:PORT`
 * @param input what it says once the handshake is done
 */
export function dialWithOpenssl(
  address: string,
  { ca, cert = '', key = '' }: { readonly ca: string; readonly cert?: string; readonly key?: string },
  flags: readonly string[],
  input = '',
): Promise<CliResult> {
  return inFolder({ ca, cert, key }, (at) => {
    const identity = cert === '' ? [] : ['-cert', at('cert'), '-key', at('key')];
    return runOpenssl(['s_client', '-connect', address, '-CAfile', at('ca'), ...identity, ...flags], input);
  });
}

/** A certificate with its key, in PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** An authority that the platform never heard of, or an instance that takes itself for one. */
export interface Forger {
  /** Certificates from the signer's up. */
  readonly chain: string;
  /** Signs a certificate for a new key. */
  issue(subject: string, extensions: readonly string[]): Promise<KeyPair>;
}

/**
 * Makes an authority with `openssl`.
 *
 * @param subject such as `/CN=evil`
 */
export async function makeAuthority(subject: string): Promise<Forger & KeyPair> {
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const usage = 'keyUsage=critical,keyCertSign,cRLSign';
  const args = [...request, '-days', '30', '-subj', subject, '-addext', usage];
  const [key, cert] = await inFolder({}, async (at) => {
    await expectDone([...args, '-keyout', at('key'), '-out', at('cert')]);
    return [await read(at('key')), await read(at('cert'))] as const;
  });
  return { key, cert, ...forgeWith({ key, cert }) };
}

/** Signs with whatever certificate and key there are, whether they may or not. */
export function forgeWith(signer: KeyPair): Forger {
  return {
    chain: signer.cert,
    issue: (subject, extensions) =>
      inFolder({ ca: signer.cert, 'ca-key': signer.key, ext: extensions.join('\n') }, async (at) => {
        const request = ['req', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
        await expectDone([...request, '-subj', subject, '-keyout', at('key'), '-out', at('csr')]);
        const sign = [
          'x509',
          '-req',
          '-in',
          at('csr'),
          '-CA',
          at('ca'),
          '-CAkey',
          at('ca-key'),
          '-days',
          '7',
        ];
        await expectDone([...sign, '-set_serial', '4711', '-extfile', at('ext'), '-out', at('cert')]);
        return { key: await read(at('key')), cert: await read(at('cert')) };
      }),
  };
}

/** Writes texts into files of a temporary folder, for programs that read files. */
async function inFolder<Answer>(
  files: Readonly<Record<string, string>>,
  act: (at: (name: string) => string) => Promise<Answer>,
): Promise<Answer> {
  const folder = mkdtempSync(join(tmpdir(), 'planton-openssl-'));
  const at = (name: string) => join(folder, name);
  try {
    for (const [name, text] of Object.entries(files)) writeFileSync(at(name), text, { mode: 0o600 });
    return await act(at);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function expectDone(args: readonly string[]): Promise<void> {
  const { code, stderr } = await runOpenssl(args);
  if (code !== 0) throw new Error(`openssl ${args.join(' ')} ended with ${code}:\n${stderr}`);
}
