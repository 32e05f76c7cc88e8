/** A name as people write it, without what would hide or reverse text; undefined for what is none. */
export function readName(text: string): string | undefined {
  const name = text
    .normalize('NFC')
    .replace(/[\p{Cc}\p{Cf}]/gu, '')
    .replace(/\s+/g, ' ')
    .trim();
  return name === '' || [...name].length > 100 ? undefined : name;
}

/** An address in the one form that accounts are kept under; undefined for what is none. */
export function readEmail(text: string): string | undefined {
  const email = text.normalize('NFC').trim().toLowerCase();
  if (email.length > 254 || !/^[^\s@\p{Cc}\p{Cf}]+@[^\s@\p{Cc}\p{Cf}]+$/u.test(email)) return undefined;
  return email.endsWith('.invalid') ? undefined : email;
}
