import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PARTITIONS } from '../partitions/partition.ts';
import { checkTemplateUrl } from './check-template-url.ts';

test.each([
  [
    'https://planton.s3.us-west-2.amazonaws.com/v1/template.yaml',
    'aws',
    'us-west-2',
    'planton',
    'v1/template.yaml',
  ],
  ['https://planton.s3.amazonaws.com/template.yaml', 'aws', undefined, 'planton', 'template.yaml'],
  ['https://a.b.c.s3.eu-west-1.amazonaws.com/t', 'aws', 'eu-west-1', 'a.b.c', 't'],
  ['https://planton.s3-us-west-2.amazonaws.com/t', 'aws', 'us-west-2', 'planton', 't'],
  ['https://planton.s3.dualstack.us-west-2.amazonaws.com/t', 'aws', 'us-west-2', 'planton', 't'],
  ['https://s3.dualstack.us-west-2.amazonaws.com/planton/a/t', 'aws', 'us-west-2', 'planton', 'a/t'],
  ['https://s3.us-west-2.amazonaws.com/planton/t', 'aws', 'us-west-2', 'planton', 't'],
  ['https://s3.amazonaws.com/planton/t', 'aws', undefined, 'planton', 't'],
  ['https://planton.s3.us-gov-west-1.amazonaws.com/t', 'aws-us-gov', 'us-gov-west-1', 'planton', 't'],
  ['https://planton.s3.cn-north-1.amazonaws.com.cn/t', 'aws-cn', 'cn-north-1', 'planton', 't'],
  [
    'https://planton.s3.us-west-2.amazonaws.com/t?versionId=3HL4kqtJvjVBH40Nr8X8gdRQBpUMLUo',
    'aws',
    'us-west-2',
    'planton',
    't',
  ],
] as const)('takes %s', (text, partition, region, bucket, key) => {
  expect(checkTemplateUrl(text)).toEqual({
    ok: true,
    value: { host: 's3', partition, region, bucket, key },
  });
});

test.each([
  'http://127.0.0.1:8080/aws/cloudformation-template.yaml',
  'http://localhost:8080/aws/cloudformation-template.yaml',
  'https://localhost/t',
  'http://[::1]:8080/t',
  'http://127.1.2.3/t',
])('takes %s for development', (text) => {
  expect(checkTemplateUrl(text)).toEqual({ ok: true, value: { host: 'loopback' } });
});

test.each([
  ['', 'empty', 'is empty'],
  ['template.yaml', 'shape', 'is not a URL'],
  ['https://planton.s3.us-west-2.amazonaws.com/a b', 'shape', 'is not a URL'],
  ['https://planton.s3.us-west-2.amazonaws.com/t\n', 'shape', 'is not a URL'],
  ['https://u:p@planton.s3.us-west-2.amazonaws.com/t', 'shape', 'a user name'],
  ['https://planton.s3.us-west-2.amazonaws.com/t#a', 'shape', 'a fragment'],
  ['https://planton.s3.us-west-2.amazonaws.com/t?X-Amz-Signature=1', 'shape', 'a query'],
  ['http://planton.s3.us-west-2.amazonaws.com/t', 'scheme', 'is not an https URL'],
  ['s3://planton/t', 'scheme', 'is not an https URL'],
  ['https://planton.example.com/t', 'host', 'is not on a host of S3'],
  ['https://planton.s3.us-west-2.amazonaws.com.evil.com/t', 'host', 'is not on a host of S3'],
  ['https://evil.com/planton.s3.us-west-2.amazonaws.com/t', 'host', 'is not on a host of S3'],
  ['https://planton.s3.us-west-2.amazonaws.com:8443/t', 'host', 'is not on a host of S3'],
  ['https://localhost.evil.com/t', 'host', 'is not on a host of S3'],
  ['https://127.0.0.1.evil.com/t', 'host', 'is not on a host of S3'],
  ['https://planton.s3-website-us-west-2.amazonaws.com/t', 'host', 'no region of AWS'],
  ['https://planton.s3.nowhere-1.amazonaws.com/t', 'host', 'no region of AWS'],
  ['https://planton.s3.us-west-2.amazonaws.com.cn/t', 'host', 'another partition'],
  ['https://planton.s3.cn-north-1.amazonaws.com/t', 'host', 'another partition'],
  ['https://planton.s3.amazonaws.com.cn/t', 'host', 'another partition'],
  ['https://planton.s3.us-west-2.amazonaws.com/', 'key', 'nothing in it'],
  ['https://s3.us-west-2.amazonaws.com/planton', 'key', 'nothing in it'],
  ['https://s3.us-west-2.amazonaws.com/', 'bucket', 'no valid bucket'],
  ['https://s3.us-west-2.amazonaws.com/UP/t', 'bucket', 'no valid bucket'],
  [`https://planton.s3.us-west-2.amazonaws.com/${'k'.repeat(5120)}`, 'length', 'at most 5120'],
])('refuses %.80s', (text, reason, message) => {
  expect(checkTemplateUrl(text)).toMatchObject({
    ok: false,
    reason,
    message: expect.stringContaining(message),
  });
});

test('knows bucket, key and region in each form, in every region', () => {
  const regions = PARTITIONS.flatMap((partition) =>
    partition.regions.map((region) => ({ partition, region })),
  );
  const buckets = fc.stringMatching(/^[a-z0-9][a-z0-9-]{1,30}[a-z0-9]$/);
  const keys = fc.stringMatching(/^[A-Za-z0-9_-]{1,9}(\/[A-Za-z0-9_.-]{0,9}[a-z])?$/);
  const forms = fc.constantFrom('s3.', 's3-', 's3.dualstack.');
  fc.assert(
    fc.property(
      fc.constantFrom(...regions),
      buckets,
      keys,
      forms,
      fc.boolean(),
      (at, bucket, key, form, inPath) => {
        const host = `${form}${at.region.name}.${at.partition.dnsSuffix}`;
        const text = inPath ? `https://${host}/${bucket}/${key}` : `https://${bucket}.${host}/${key}`;
        expect(checkTemplateUrl(text)).toEqual({
          ok: true,
          value: { host: 's3', partition: at.partition.id, region: at.region.name, bucket, key },
        });
      },
    ),
  );
});

test('refuses whatever is elsewhere on the web', () => {
  fc.assert(
    fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), (text) => {
      expect(checkTemplateUrl(text).ok).toBe(false);
    }),
  );
});
