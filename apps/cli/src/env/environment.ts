import { type Environment, EnvironmentSchema } from '@planton/api/identity/v1/organization';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How environments are printed. */
export const environments: Printable<Environment> = {
  schema: EnvironmentSchema,
  columns: [
    ['SLUG', ({ slug }) => slug],
    ['ORGANISATION', ({ org }) => org],
    ['CREATED', ({ createTime }) => formatTime(createTime)],
  ],
};
