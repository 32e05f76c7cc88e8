/** Whether the text is of the pattern, in which `*` stands for any characters and `?` for one. */
export function matchText(text: string, pattern: string): boolean {
  let [at, patternAt] = [0, 0];
  let [star, resumeAt] = [-1, 0];
  while (at < text.length) {
    if (pattern[patternAt] === '*') {
      star = patternAt++;
      resumeAt = at;
    } else if (pattern[patternAt] === '?' || pattern[patternAt] === text[at]) {
      at++;
      patternAt++;
    } else if (star >= 0) {
      patternAt = star + 1;
      at = ++resumeAt;
    } else {
      return false;
    }
  }
  return /^\**$/.test(pattern.slice(patternAt));
}

const PARTS = 6;

/** As `matchText`, each of the six parts of an ARN for itself, so that `*` in one never reaches into the next. */
export function matchArn(arn: string, pattern: string): boolean {
  const [texts, patterns] = [splitArn(arn), splitArn(pattern)];
  return (
    texts.length === PARTS &&
    patterns.length === PARTS &&
    texts.every((text, index) => matchText(text, patterns[index] ?? ''))
  );
}

function splitArn(arn: string): readonly string[] {
  const parts = arn.split(':');
  return parts.length <= PARTS ? parts : [...parts.slice(0, PARTS - 1), parts.slice(PARTS - 1).join(':')];
}
