import { type Problem, problemAt } from './problem.ts';
import { type Source, sourceOf } from './source.ts';

/** The largest file that is read as manifests, in bytes. */
export const largestFile = 1024 * 1024;

/** Turns what was read into text, or says why it cannot be a manifest. A byte order mark is dropped. */
export function decodeText(input: string | Uint8Array, file: string): Source | Problem {
  const size = typeof input === 'string' ? Buffer.byteLength(input) : input.byteLength;
  if (size > largestFile) {
    return at(file, 'the file is too large: a manifest file has at most 1 MiB', 'is it the right file?');
  }
  const text = typeof input === 'string' ? input.replace(/^\uFEFF/, '') : decodeUtf8(input);
  if (text === undefined)
    return at(file, 'the file is not UTF-8 text', 'save it as UTF-8, or check that it is the right file');

  const source = sourceOf(file, text);
  const control = findControlCharacter(text);
  if (control !== -1) {
    const code = text.charCodeAt(control).toString(16).toUpperCase().padStart(4, '0');
    const range = { start: control, end: control + 1 };
    return problemAt(
      source,
      range,
      'hidden',
      `control character U+${code} in the file`,
      'is it a text file?',
    );
  }
  return source;
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
}

/** YAML allows tab, line feed, carriage return and next line among the control characters. */
function findControlCharacter(text: string): number {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 ? code !== 0x09 && code !== 0x0a && code !== 0x0d : code === 0x7f) return index;
  }
  return -1;
}

function at(file: string, message: string, suggestion: string): Problem {
  return { file, line: 1, column: 1, message, suggestion };
}
