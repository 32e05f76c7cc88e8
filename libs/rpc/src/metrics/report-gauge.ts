import { type Attributes, metrics } from '@opentelemetry/api';

/** A number as it is now. */
export interface Reading {
  readonly value: number;
  /** Tell it from the others of the gauge; nothing that only one request has. */
  readonly attributes: Attributes;
}

/**
 * Reports numbers to whoever collects metrics, whenever they collect. OpenTelemetry's API costs nothing unless the process was started with
 * its SDK.
 *
 * @param gauge.read called at each collection, so it answers at once
 * @returns ends the reports
 */
export function reportGauge(gauge: {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
  readonly read: () => readonly Reading[];
}): () => void {
  const { name, unit, description, read } = gauge;
  const observable = metrics.getMeter('planton').createObservableGauge(name, { unit, description });
  const report: Parameters<typeof observable.addCallback>[0] = (result) => {
    for (const { value, attributes } of read()) result.observe(value, attributes);
  };
  observable.addCallback(report);
  return () => observable.removeCallback(report);
}
