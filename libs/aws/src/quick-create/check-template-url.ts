import { type Fault, fault, type Parsed } from '../check.ts';
import { findRegion } from '../partitions/find-region.ts';
import { findPartition, type PartitionId } from '../partitions/partition.ts';

/** Where a template is fetched from. */
export type TemplateUrl =
  | {
      readonly host: 's3';
      readonly partition: PartitionId;
      /** Undefined for the global host, `s3.amazonaws.com`. */
      readonly region: string | undefined;
      readonly bucket: string;
      /** As it is written in the URL. */
      readonly key: string;
    }
  /** This machine, for development: CloudFormation itself does not take it. */
  | { readonly host: 'loopback' };

export type TemplateUrlReason = 'empty' | 'length' | 'shape' | 'scheme' | 'host' | 'bucket' | 'key';

const LONGEST = 5120;
const FORM = 'https://BUCKET.s3.REGION.amazonaws.com/KEY';
const S3_HOST =
  /^(?:(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])\.)?s3(?:(?:\.dualstack\.|[.-])(?<region>[a-z0-9-]+))?\.(?<suffix>amazonaws\.com(?:\.cn)?)$/;
const LOOPBACK = /^(?:localhost|127\.[0-9]+\.[0-9]+\.[0-9]+|\[::1\])$/;

/**
 * CloudFormation fetches templates from S3 alone, over HTTPS: by the bucket's own host, with the bucket in the path, or by a
 * dual-stack host. An object's version may be named; a presigned URL is refused, as a link is no place for its signature.
 */
export function checkTemplateUrl(text: string): Parsed<TemplateUrl, TemplateUrlReason> {
  if (text === '') return fault('empty', `is empty; it reads ${FORM}`);
  if (text.length > LONGEST) {
    return fault('length', `is ${text.length} characters long; it has at most ${LONGEST}`);
  }
  const url = /^[\x21-\x7e]+$/.test(text) && URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined) return fault('shape', `is not a URL; it reads ${FORM}`);
  if (url.username !== '' || url.password !== '' || text.includes('#')) {
    return fault('shape', 'holds a user name, a password or a fragment');
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:') return fault('scheme', 'is not an https URL');
  if (url.search !== '' && !/^\?versionId=[\w.-]+$/.test(url.search)) {
    return fault('shape', 'holds a query other than versionId');
  }
  if (LOOPBACK.test(url.hostname)) return { ok: true, value: { host: 'loopback' } };
  if (url.protocol !== 'https:')
    return fault('scheme', 'is not an https URL; http is for this machine alone');
  return readS3(url);
}

function readS3(url: URL): Parsed<TemplateUrl, TemplateUrlReason> {
  const parts = S3_HOST.exec(url.host)?.groups;
  if (parts === undefined) {
    return fault(
      'host',
      `is not on a host of S3, from which alone CloudFormation takes templates; it reads ${FORM}`,
    );
  }
  const region = parts.region;
  const partition = region === undefined ? 'aws' : findRegion(region)?.partition;
  if (partition === undefined || findPartition(partition).dnsSuffix !== parts.suffix) {
    return fault('host', 'names in its host no region of AWS, or one of another partition');
  }
  return (
    faultOfPath(url, parts.bucket) ?? {
      ok: true,
      value: { host: 's3', partition, region, ...takePath(url, parts.bucket) },
    }
  );
}

function faultOfPath(url: URL, hostBucket: string | undefined): Fault<TemplateUrlReason> | undefined {
  const { bucket, key } = takePath(url, hostBucket);
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) {
    return fault('bucket', 'names no valid bucket, neither in its host nor in its path');
  }
  return key === '' ? fault('key', 'names a bucket but nothing in it') : undefined;
}

function takePath(
  url: URL,
  hostBucket: string | undefined,
): { readonly bucket: string; readonly key: string } {
  const path = url.pathname.slice(1);
  if (hostBucket !== undefined) return { bucket: hostBucket, key: path };
  const [bucket = '', ...key] = path.split('/');
  return { bucket, key: key.join('/') };
}
