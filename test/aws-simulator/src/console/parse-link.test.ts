import { quickCreateUrl } from '@planton/aws';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseLink } from './parse-link.ts';

const LINK = quickCreateUrl({
  region: 'us-west-2',
  templateUrl: 'https://planton.s3.amazonaws.com/connect.yaml',
  stackName: 'planton',
  parameters: { RoleName: 'PlantonConnect-acme' },
});

test('reads back every value that a link was made of', () => {
  const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9]{0,20}$/);
  const parameters = fc.dictionary(names, fc.string({ unit: 'grapheme' }));
  fc.assert(
    fc.property(parameters, (given) => {
      const link = {
        region: 'eu-central-1',
        templateUrl: 'https://b.s3.amazonaws.com/a',
        stackName: 'planton',
      };
      expect(parseLink(quickCreateUrl({ ...link, parameters: given }), 'aws')).toEqual({
        ...link,
        parameters: { ...given },
      });
    }),
  );
});

test('opens on the console of a region and on this machine too', () => {
  for (const origin of ['https://us-west-2.console.aws.amazon.com', 'http://127.0.0.1:4566']) {
    const { stackName } = parseLink(LINK.replace('https://console.aws.amazon.com', origin), 'aws');
    expect(stackName).toBe('planton');
  }
});

describe('refuses', () => {
  test.each([
    ['not a URL', 'is not a URL'],
    [
      LINK.replace('console.aws.amazon.com', 'console.aws.amazon.com.example.com'),
      'is not on console.aws.amazon.com',
    ],
    [LINK.replace('/home', '/other'), 'does not lead to /cloudformation/home'],
    [LINK.replace('quickcreate', 'create'), 'does not lead to /cloudformation/home'],
    [LINK.replace('us-west-2#', 'us-west-9#'), 'names no region of partition aws'],
    [LINK.replace('us-west-2#', 'cn-north-1#'), 'names no region of partition aws'],
    [LINK.replace('templateURL', 'templateUrl'), 'has no templateURL'],
  ])('%s', (link, message) => {
    expect(() => parseLink(link, 'aws')).toThrow(message);
  });

  test('a console of another partition', () => {
    expect(() => parseLink(LINK, 'aws-cn')).toThrow('is not on console.amazonaws.cn');
  });
});
