import {
  type DefaultProviderConnection,
  DefaultProviderConnectionSchema,
} from '@planton/api/connect/v1/default_provider_connection';
import { formatTime } from '../../output/format-time.ts';
import type { Printable } from '../../output/print-messages.ts';

/** How defaults are printed. */
export const defaults: Printable<DefaultProviderConnection> = {
  schema: DefaultProviderConnectionSchema,
  columns: [
    ['PROVIDER', ({ spec }) => spec?.provider ?? ''],
    ['LEVEL', ({ spec }) => (spec?.environment ? `environment ${spec.environment}` : 'organization')],
    ['CONNECTION', ({ spec }) => spec?.connection ?? ''],
    ['UPDATED', ({ metadata }) => formatTime(metadata?.updateTime)],
  ],
};
