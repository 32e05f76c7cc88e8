import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { checkRegion } from './check-region.ts';
import { findRegion, partitionOf } from './find-region.ts';
import { findPartition, PARTITIONS } from './partition.ts';
import { consoleHost, stsEndpoint, stsHost } from './resolve-endpoint.ts';
import { suggestRegions } from './suggest-regions.ts';

const REGIONS = PARTITIONS.flatMap(({ regions }) => regions);

function region(name: string) {
  const found = findRegion(name);
  if (found === undefined) throw new Error(`${name} is not in the table`);
  return found;
}

describe('the table', () => {
  test('names each region once, in the partition that its name shows', () => {
    expect(new Set(REGIONS.map(({ name }) => name)).size).toBe(REGIONS.length);
    for (const { name, partition } of REGIONS) {
      const shown = name.startsWith('cn-') ? 'aws-cn' : name.startsWith('us-gov-') ? 'aws-us-gov' : 'aws';
      expect([name, partition]).toEqual([name, shown]);
      expect(name).toMatch(/^[a-z]{2}(-gov)?-[a-z]+-[0-9]$/);
    }
  });

  test.each([
    'ap-east-2',
    'ap-southeast-5',
    'ap-southeast-6',
    'ap-southeast-7',
    'ca-west-1',
    'eu-central-2',
    'eu-south-2',
    'il-central-1',
    'me-central-1',
    'mx-central-1',
  ])('has %s', (name) => {
    expect(partitionOf(name)?.id).toBe('aws');
  });

  test('compares names exactly and finds nothing else', () => {
    expect(findRegion('US-WEST-2')).toBeUndefined();
    expect(findRegion('us-west-2 ')).toBeUndefined();
    expect(findRegion('toString')).toBeUndefined();
    expect(partitionOf('us-iso-east-1')).toBeUndefined();
    expect(findPartition('aws-iso')).toBeUndefined();
  });
});

describe('endpoints', () => {
  test.each([
    ['us-west-2', 'sts.us-west-2.amazonaws.com', 'console.aws.amazon.com'],
    ['us-gov-west-1', 'sts.us-gov-west-1.amazonaws.com', 'console.amazonaws-us-gov.com'],
    ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn', 'console.amazonaws.cn'],
  ])('of %s', (name, sts, console) => {
    expect(stsHost(region(name))).toBe(sts);
    expect(stsEndpoint(region(name))).toBe(`https://${sts}`);
    expect(consoleHost(region(name).partition)).toBe(console);
  });
});

describe('suggestions', () => {
  test.each([
    ['us-weast-2', ['us-west-2', 'us-east-2']],
    ['us-wset-2', ['us-west-2']],
    ['us_west_2', ['us-west-2']],
    ['US-WEST-2', ['us-west-2']],
    ['us-west-2a', ['us-west-2']],
    ['uswest2', ['us-west-2']],
    ['Frankfurt', ['eu-central-1']],
    ['virginia', ['us-east-1']],
    ['Asia Pacific (Tokyo)', ['ap-northeast-1']],
    ['us-west', ['us-west-1', 'us-west-2']],
    ['', []],
    ['---', []],
    ['production', []],
    ['x'.repeat(100_000), []],
  ])('for %j', (name, expected) => {
    expect([...suggestRegions(name)].sort()).toEqual([...expected].sort());
  });

  test('stay inside a partition', () => {
    expect(suggestRegions('us-gov-west-2', 'aws-us-gov')).toEqual(['us-gov-west-1']);
    expect(suggestRegions('Frankfurt', 'aws-cn')).toEqual([]);
  });

  test('are real regions, at most three, whatever is asked', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 60, unit: 'binary' }), (name) => {
        const suggested = suggestRegions(name);
        expect(suggested.length).toBeLessThanOrEqual(3);
        for (const each of suggested) expect(findRegion(each)).toBeDefined();
      }),
    );
  });

  test('include the region that one letter was left out of, or share its nearness', () => {
    fc.assert(
      fc.property(fc.constantFrom(...REGIONS), fc.nat(), (meant, position) => {
        const at = position % meant.name.length;
        const typed = meant.name.slice(0, at) + meant.name.slice(at + 1);
        const suggested = suggestRegions(typed);
        expect(suggested.length).toBeGreaterThan(0);
        if (suggested.length < 3) expect(suggested).toContain(meant.name);
      }),
    );
  });
});

describe('checkRegion', () => {
  test('takes a region, and one of the partition asked for', () => {
    expect(checkRegion('eu-west-1')).toMatchObject({ ok: true, value: { name: 'eu-west-1' } });
    expect(checkRegion('cn-north-1', 'aws-cn')).toMatchObject({ ok: true });
  });

  test.each([
    ['', undefined, 'empty', 'is empty; name a region such as us-west-2'],
    ['us-west-22', undefined, 'unknown', 'is not an AWS region; did you mean us-west-2?'],
    ['nowhere', undefined, 'unknown', 'is not an AWS region'],
    [
      'eusc-de-east-1',
      undefined,
      'unknown',
      'is in a partition that is not supported; supported are aws, aws-us-gov and aws-cn',
    ],
    ['us-west-2', 'aws-cn', 'other_partition', 'is a region of partition aws, not of aws-cn'],
  ] as const)('refuses %j', (name, partition, reason, message) => {
    expect(checkRegion(name, partition)).toEqual({ ok: false, reason, message });
  });
});
