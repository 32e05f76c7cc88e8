import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The usual ways in which a text is written down. */
export function encodings(text: string): Buffer[] {
  const bytes = Buffer.from(text);
  // Where it begins within other bytes decides how base64 shows it; the ends depend on its neighbours.
  const base64 = [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  const hex = bytes.toString('hex');
  const texts = [
    text,
    ...base64,
    hex,
    hex.toUpperCase(),
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
  ];
  return [...texts.map((each) => Buffer.from(each)), Buffer.from(text, 'utf16le')];
}

/** Says of each secret that the bytes hold, in whatever way, where that is. */
export function findLeaks(
  secrets: Readonly<Record<string, string>>,
  haystack: Buffer,
  where: string,
): string[] {
  return Object.entries(secrets).flatMap(([name, secret]) =>
    encodings(secret).some((encoded) => haystack.includes(encoded)) ? [`${name} in ${where}`] : [],
  );
}

/** Searches every file below a folder, but those that are named. */
export function findLeaksInFiles(
  secrets: Readonly<Record<string, string>>,
  folder: string,
  except: readonly string[] = [],
): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(
    (entry) => entry.isFile() && !except.includes(entry.name),
  );
  if (files.length === 0) throw new Error(`there is no file in ${folder}`);
  return files.flatMap((entry) => {
    const path = join(entry.parentPath, entry.name);
    return findLeaks(secrets, readFileSync(path), path.slice(folder.length));
  });
}
