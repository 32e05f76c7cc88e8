import { type Fault, fault, type Parsed } from '../check.ts';
import { findRegion } from './find-region.ts';
import type { PartitionId, Region } from './partition.ts';
import { suggestRegions } from './suggest-regions.ts';

export type RegionReason = 'empty' | 'unknown' | 'other_partition';

const UNREACHED = /^(us-iso[a-z]?|eu-isoe|eusc)-/;

/** The region of that name; with a partition, the name has to be a region of it. */
export function checkRegion(name: string, partition?: PartitionId): Parsed<Region, RegionReason> {
  if (name === '') return fault('empty', 'is empty; name a region such as us-west-2');
  const region = findRegion(name);
  if (region === undefined) return explainUnknown(name, partition);
  if (partition !== undefined && region.partition !== partition) {
    return fault('other_partition', `is a region of partition ${region.partition}, not of ${partition}`);
  }
  return { ok: true, value: region };
}

function explainUnknown(name: string, partition: PartitionId | undefined): Fault<RegionReason> {
  if (UNREACHED.test(name)) {
    return fault(
      'unknown',
      'is in a partition that is not supported; supported are aws, aws-us-gov and aws-cn',
    );
  }
  const suggestions = suggestRegions(name, partition);
  if (suggestions.length === 0) return fault('unknown', 'is not an AWS region');
  return fault('unknown', `is not an AWS region; did you mean ${suggestions.join(' or ')}?`);
}
