import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { PARTITIONS } from '../partitions/partition.ts';
import { parseQuickCreateUrl } from './parse-quick-create-url.ts';
import { quickCreateUrl } from './quick-create-url.ts';

const REGIONS = PARTITIONS.flatMap(({ regions }) => regions.map(({ name }) => name));
const TEMPLATE = 'https://planton.s3.us-west-2.amazonaws.com/v1/template.yaml';
const LINK = {
  region: 'us-west-2',
  templateUrl: TEMPLATE,
  stackName: 'planton-connect-a',
  parameters: { RoleName: 'a+b=c', CallbackUrl: 'https://x.io/?a=b&c=(d)*' },
};
const WRITTEN =
  'https://console.aws.amazon.com/cloudformation/home?region=us-west-2#/stacks/quickcreate' +
  '?templateURL=https%3A%2F%2Fplanton.s3.us-west-2.amazonaws.com%2Fv1%2Ftemplate.yaml&stackName=planton-connect-a' +
  '&param_RoleName=a%2Bb%3Dc&param_CallbackUrl=https%3A%2F%2Fx.io%2F%3Fa%3Db%26c%3D%28d%29%2A';

const links = fc.record({
  region: fc.constantFrom(...REGIONS),
  templateUrl: fc.constantFrom(
    TEMPLATE,
    'http://127.0.0.1:8080/aws/cloudformation-template.yaml',
    'https://s3.cn-north-1.amazonaws.com.cn/planton/t.yaml?versionId=abc',
  ),
  stackName: fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,127}$/),
  parameters: fc.dictionary(
    fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,20}$/),
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    { maxKeys: 20 },
  ),
});

describe('quickCreateUrl', () => {
  test('writes the link', () => {
    expect(quickCreateUrl(LINK)).toBe(WRITTEN);
  });

  test.each([
    ['eu-west-1', 'console.aws.amazon.com'],
    ['us-gov-east-1', 'console.amazonaws-us-gov.com'],
    ['cn-northwest-1', 'console.amazonaws.cn'],
  ])('leads from %s to %s', (region, host) => {
    const url = new URL(quickCreateUrl({ ...LINK, region }));
    expect([url.protocol, url.host, url.pathname]).toEqual(['https:', host, '/cloudformation/home']);
    expect(url.searchParams.get('region')).toBe(region);
  });

  test('refuses a region that is none', () => {
    expect(() => quickCreateUrl({ ...LINK, region: 'us-west-9' })).toThrow(
      '"us-west-9" is not an AWS region',
    );
  });

  test('gives the console every value as it was, whatever is in it', () => {
    fc.assert(
      fc.property(links, (link) => {
        const url = new URL(quickCreateUrl(link));
        const [route, query] = url.hash.slice(1).split('?');
        expect(route).toBe('/stacks/quickcreate');
        const fields = new URLSearchParams(query);
        expect(fields.get('templateURL')).toBe(link.templateUrl);
        expect(fields.get('stackName')).toBe(link.stackName);
        for (const [name, value] of Object.entries(link.parameters)) {
          expect(fields.getAll(`param_${name}`)).toEqual([value]);
        }
        expect(fields.size).toBe(2 + Object.keys(link.parameters).length);
      }),
    );
  });
});

describe('parseQuickCreateUrl', () => {
  test('is the inverse of quickCreateUrl', () => {
    fc.assert(
      fc.property(links, (link) => {
        const parsed = parseQuickCreateUrl(quickCreateUrl(link));
        expect(parsed).toEqual({ ok: true, value: { ...link, parameters: { ...link.parameters } } });
      }),
    );
  });

  test('takes nothing else: what it takes, quickCreateUrl writes back letter for letter', () => {
    const changed = fc
      .tuple(links, fc.nat(), fc.nat(3), fc.string({ maxLength: 3, unit: 'binary' }))
      .map(([link, at, cut, put]) => {
        const text = quickCreateUrl(link);
        const position = at % text.length;
        return text.slice(0, position) + put + text.slice(position + cut);
      });
    fc.assert(
      fc.property(changed, (text) => {
        const parsed = parseQuickCreateUrl(text);
        if (parsed.ok) expect(quickCreateUrl(parsed.value)).toBe(text);
      }),
      { numRuns: 500 },
    );
  });

  test.each([
    ['', 'shape', 'is not of the form'],
    [WRITTEN.replace('https', 'http'), 'shape', 'is not of the form'],
    [WRITTEN.replace('/stacks/quickcreate', '/stacks/create/review'), 'shape', 'is not of the form'],
    [`${WRITTEN}\n`, 'shape', 'is not of the form'],
    [WRITTEN.replace('home?region=us-west-2', 'home?region=us-west-9'), 'region', 'no AWS region'],
    [WRITTEN.replace('console.aws.amazon.com', 'console.amazonaws.cn'), 'shape', 'another partition'],
    [WRITTEN.replace('console.aws.amazon.com', 'console.aws.evil.com'), 'shape', 'another partition'],
    [WRITTEN.replace('%2Fv1%2F', '%2fv1%2f'), 'shape', 'encoded'],
    [WRITTEN.replace('%28d%29', '(d)'), 'shape', 'encoded'],
    [`${WRITTEN}&param_RoleName=b`, 'duplicate', 'field 5 is there twice'],
    [`${WRITTEN}&extra=b`, 'field', 'field 5 is none of'],
    [`${WRITTEN}&param___proto__=b`, 'field', 'field 5 is none of'],
    [`${WRITTEN}&`, 'field', 'field 5 is none of'],
    [`${WRITTEN}&param_A=%ff`, 'encoding', 'field 5 is not percent-encoded UTF-8'],
    [
      WRITTEN.replace('stackName=planton', 'stackName=9planton'),
      'stack_name',
      'its stackName is not a letter',
    ],
    [WRITTEN.replace('&stackName=planton-connect-a', ''), 'stack_name', 'its stackName is empty'],
    [WRITTEN.replace('planton.s3', 'planton.evil'), 'template_url', 'its templateURL is not on a host of S3'],
    [WRITTEN.padEnd(16_385, 'a'), 'length', 'is 16385 characters long'],
  ])('refuses %.110s', (text, reason, message) => {
    expect(parseQuickCreateUrl(text)).toMatchObject({
      ok: false,
      reason,
      message: expect.stringContaining(message),
    });
  });
});
