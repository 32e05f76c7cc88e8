import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A page on disk, until it is removed. */
export interface Page {
  readonly file: string;
  readonly remove: () => void;
}

/** Writes a page that leads on to a link, in a new folder below `parent`; `where` says to people where it leads, in plain letters. Its owner alone can read it. */
export function writePage(parent: string, link: URL, where = 'the AWS console'): Page {
  mkdirSync(parent, { recursive: true, mode: 0o700 });
  const file = join(mkdtempSync(join(parent, 'link-')), 'continue.html');
  const remove = () => rmSync(dirname(file), { recursive: true, force: true });
  try {
    writeFileSync(file, pageOf(link, where), { mode: 0o600, flag: 'wx' });
    chmodSync(file, 0o600);
  } catch (error) {
    remove();
    throw error;
  }
  return { file, remove };
}

function pageOf({ href }: URL, where: string): string {
  const link = href.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
  return `<!doctype html>
<meta charset="utf-8">
<title>Planton Connect</title>
<meta name="referrer" content="no-referrer">
<meta http-equiv="refresh" content="0;url=${link}">
<p><a rel="noreferrer" href="${link}">Continue to ${where}</a></p>
`;
}
