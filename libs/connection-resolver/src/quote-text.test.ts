import { expect, test } from 'vitest';
import { commandWord, quoteText } from './quote-text.ts';

test.each([
  ['plain', '"plain"'],
  ['', '""'],
  ['Büro Köln 東京', '"Büro Köln 東京"'],
  ['say "hi" \\', '"say \\"hi\\" \\\\"'],
  ['\u001b[31m\n', '"\\u{1b}[31m\\u{a}"'],
  ['a\u202eb\u2028c', '"a\\u{202e}b\\u{2028}c"'],
  ['\ud800', '"\\u{d800}"'],
])('%j is quoted as %s', (text, quoted) => {
  expect(quoteText(text)).toBe(quoted);
});

test.each(['a', '東', '🔑'])(
  'a text of many %s is cut after 80 characters, never inside one',
  (character) => {
    expect(quoteText(character.repeat(80))).toBe(`"${character.repeat(80)}"`);
    for (const length of [81, 160, 500]) {
      expect(quoteText(character.repeat(length))).toBe(`"${character.repeat(80)}…"`);
    }
  },
);

test.each(['', '--all', 'a b', 'a;b', '$(id)', 'a\nb', 'a,b', "a'b", 'a'.repeat(129)])(
  '%j is no command word',
  (text) => {
    expect(commandWord(text, 'NAME')).toBe('NAME');
  },
);

test.each(['my-aws', 'prod.1', 'A_b'])('%s is a command word', (text) => {
  expect(commandWord(text, 'NAME')).toBe(text);
});
