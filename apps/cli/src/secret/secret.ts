import { type Secret, SecretSchema } from '@planton/api/config/v1/secret';
import { formatTime } from '../output/format-time.ts';
import type { OutputFormat, Printable } from '../output/print-messages.ts';

/** Options of the commands about one secret. */
export interface SecretOptions {
  readonly env?: string;
  readonly ifMatch?: string;
  readonly output?: OutputFormat;
  readonly yes?: boolean;
}

/** Help of `--env`, which every secret command takes. */
export const envHelp = 'environment that it belongs to; the organisation if left out';

/** How secrets are printed: names only, never a value. */
export const secrets: Printable<Secret> = {
  schema: SecretSchema,
  columns: [
    ['SLUG', ({ slug }) => slug],
    ['KEYS', ({ keys }) => keys.join(', ')],
    ['VERSION', ({ currentVersion }) => String(currentVersion)],
    ['ENVIRONMENT', ({ environment }) => environment],
    ['OWNER', ({ ownerKind }) => ownerKind],
    ['UPDATED', ({ updateTime }) => formatTime(updateTime)],
    ['DELETED', ({ deleteTime }) => formatTime(deleteTime)],
  ],
};
