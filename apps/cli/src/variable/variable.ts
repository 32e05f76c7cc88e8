import { type Variable, VariableSchema } from '@planton/api/config/v1/variable';
import { formatTime } from '../output/format-time.ts';
import type { Printable } from '../output/print-messages.ts';

/** How variables are printed. */
export const variables: Printable<Variable> = {
  schema: VariableSchema,
  columns: [
    ['SLUG', ({ slug }) => slug],
    ['VALUE', ({ value }) => value],
    ['ENVIRONMENT', ({ environment }) => environment],
    ['UPDATED', ({ updateTime }) => formatTime(updateTime)],
    ['BY', ({ updatedBy }) => updatedBy],
  ],
};
