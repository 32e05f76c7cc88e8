import { findPartition, type PartitionId, type Region } from './partition.ts';

/**
 * The host of the region's own STS, such as `sts.us-west-2.amazonaws.com`. There is deliberately no way to get the global
 * endpoint: its tokens do not work in opt-in regions.
 */
export function stsHost(region: Region): string {
  return `sts.${region.name}.${findPartition(region.partition).dnsSuffix}`;
}

export function stsEndpoint(region: Region): string {
  return `https://${stsHost(region)}`;
}

export function consoleHost(partition: PartitionId): string {
  return findPartition(partition).consoleHost;
}
