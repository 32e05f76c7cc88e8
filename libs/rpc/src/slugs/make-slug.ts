const LONGEST_SLUG = 63;

/** `AWS Production` → `aws-production`: lower-case letters and digits joined by single hyphens, at most 63. Empty where none can be made. */
export function makeSlug(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-/, '')
    .slice(0, LONGEST_SLUG)
    .replace(/-$/, '');
}
