/**
 * Loaded before a server (`--import`), whose programs are the product's: leaves out what `BENCH_LEAVE_OUT` names, so that a server
 * with it and one without can be compared.
 *
 * - `authentication`: every RPC is let in as the caller in `BENCH_CALLER`, see `admit-anyone.ts`, and nobody is stopped before.
 * - `audit`: reads of secrets and issues of credentials are answered as ever, and nothing is put on record.
 */
import { readFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { pathToFileURL } from 'node:url';

const product = (path: string) => new URL(`../../../../${path}`, import.meta.url).href;
const substitute = (file: string) => pathToFileURL(`${import.meta.dirname}/${file}`).href;

const admission: readonly (readonly [string, string])[] = [
  [product('libs/rpc/src/server/stop-strangers.ts'), substitute('stop-nobody.ts')],
  [product('libs/rpc/src/server/admit.ts'), substitute('admit-anyone.ts')],
];
const recorder: readonly [string, string] = [
  product('apps/connection-service/src/audit/record-in-batches.ts'),
  substitute('record-nothing.ts'),
];
/** Stores whose statement reads and records in one. */
const stores = ['secrets/access-store.ts', 'references/resolve-store.ts'].map((file) =>
  product(`apps/config-manager/src/${file}`),
);

const leftOut = new Set((process.env.BENCH_LEAVE_OUT ?? '').split(','));
const redirected = new Map([
  ...(leftOut.has('authentication') ? admission : []),
  ...(leftOut.has('audit') ? [recorder] : []),
]);
const rewritten = new Set(leftOut.has('audit') ? stores : []);
// What was moved would not be left out, and nobody would notice.
for (const url of [...redirected.keys(), ...rewritten]) readFileSync(new URL(url));

const INSERT = /insert into config\.audit_record \(([^)]*)\)\s*(select[\s\S]*?)\s*returning uid/;

/** The statement with the insert of the records replaced by its select alone. */
function withoutRecord(source: string, url: string): string {
  if (!INSERT.test(source)) throw new Error(`${url} records in another way`);
  return source.replace(INSERT, 'select uid from ($2) as unrecorded ($1)');
}

registerHooks({
  resolve: (specifier, context, next) => {
    const resolved = next(specifier, context);
    const url = redirected.get(resolved.url);
    return url === undefined ? resolved : { ...resolved, url };
  },
  load: (url, context, next) => {
    const loaded = next(url, context);
    if (!rewritten.has(url)) return loaded;
    return { ...loaded, source: withoutRecord(String(loaded.source), url) };
  },
});
