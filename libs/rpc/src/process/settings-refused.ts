import { readFileSync } from 'node:fs';

/** Thrown for settings that cannot be used: the message says which and why, the hint what to type instead. */
export class SettingsRefused extends Error {
  readonly hint: string;

  constructor(message: string, hint = '') {
    super(message);
    this.name = 'SettingsRefused';
    this.hint = hint;
  }
}

/** Reads a file that a setting names. Throws `SettingsRefused` that names the setting, never what the file holds. */
export function readText(file: string, setting: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new SettingsRefused(
      `${setting}: ${file} cannot be read (${(error as NodeJS.ErrnoException).code})`,
    );
  }
}

/** Reads a list with commas between. */
export function splitList(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
}
