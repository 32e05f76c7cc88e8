import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { renderTemplate } from './render-template.ts';
import { TEMPLATE_VERSION } from './template-version.ts';

/** Whoever changes the template writes a new version here and in `template-version.ts`: stacks say which one made them. */
const RELEASED = {
  version: '1.0.0',
  sha256: '6106773a841069c2cebb929185b922a9f1b7842b3fc33670dd7d44d6b8af82f1',
};

test('a version is one text', () => {
  const sha256 = createHash('sha256').update(renderTemplate()).digest('hex');
  expect({ version: TEMPLATE_VERSION, sha256 }).toEqual(RELEASED);
});
