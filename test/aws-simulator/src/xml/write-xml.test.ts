import fc from 'fast-check';
import { expect, test } from 'vitest';
import { writeXml } from './write-xml.ts';

test('writes elements in order, with a namespace on the first', () => {
  expect(writeXml('A', { B: 'x', C: { D: '' } }, 'https://a/')).toBe(
    '<A xmlns="https://a/"><B>x</B><C><D></D></C></A>',
  );
});

test('text never becomes markup, and nothing that XML cannot hold is written', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const inner = writeXml('A', text).slice('<A>'.length, -'</A>'.length);
      expect(inner).not.toMatch(/[<>"\r]|&(?!(amp|lt|gt|quot|#13);)/);
      expect(inner).toMatch(/^[\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]*$/u);
    }),
  );
});
