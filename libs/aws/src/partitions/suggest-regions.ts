import { PARTITIONS, type PartitionId, type Region } from './partition.ts';

const LONGEST_NAME = 40;
const FURTHEST = 2;
const MOST = 3;

/**
 * The regions that a name which is none may have meant, best first: another spelling (`US_West_2`), an availability zone
 * (`us-west-2a`), a place (`Frankfurt`), or the names that are fewest typing errors away. At most three, often none.
 */
export function suggestRegions(name: string, partition?: PartitionId): readonly string[] {
  if (name.length > LONGEST_NAME) return [];
  const typed = letters(name);
  if (typed === '') return [];
  const regions = PARTITIONS.filter(({ id }) => partition === undefined || id === partition).flatMap(
    (each) => each.regions,
  );
  const meant = regions.filter((region) => spells(region, typed));
  const near = meant.length > 0 ? meant : nearest(regions, name.trim().toLowerCase());
  return near.slice(0, MOST).map((region) => region.name);
}

function spells(region: Region, typed: string): boolean {
  const name = letters(region.name);
  if (typed === name) return true;
  if (typed.length === name.length + 1 && typed.startsWith(name) && /[a-f]$/.test(typed)) return true;
  const place = /\((?:N\. )?([^-]+)\)$/.exec(region.description)?.[1] ?? '';
  return typed === letters(place) || typed === letters(region.description);
}

function nearest(regions: readonly Region[], typed: string): readonly Region[] {
  const measured = regions.map((region) => ({ region, distance: countTypingErrors(typed, region.name) }));
  const least = Math.min(...measured.map(({ distance }) => distance));
  if (least > FURTHEST) return [];
  return measured.filter(({ distance }) => distance === least).map(({ region }) => region);
}

function letters(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]/g, '');
}

/** Letters left out, put in, replaced, or swapped with their neighbour. */
function countTypingErrors(from: string, to: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = at(last, column - 1) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let least = Math.min(at(last, column) + 1, at(current, column - 1) + 1, replaced);
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && swapped) least = Math.min(least, at(beforeLast, column - 2) + 1);
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, to.length);
}

function at(counts: readonly number[], index: number): number {
  return counts[index] ?? Number.POSITIVE_INFINITY;
}
