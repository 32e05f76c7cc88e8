import { findPartition, PARTITIONS, type Partition, type Region } from './partition.ts';

const REGION_OF_NAME = new Map(
  PARTITIONS.flatMap(({ regions }) => regions).map((region) => [region.name, region]),
);

/** Undefined for a name that is no region; names compare exactly, as AWS compares them. */
export function findRegion(name: string): Region | undefined {
  return REGION_OF_NAME.get(name);
}

/** Undefined for a name that is no region. */
export function partitionOf(region: string): Partition | undefined {
  const found = findRegion(region);
  return found && findPartition(found.partition);
}
