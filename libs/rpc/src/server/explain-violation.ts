/** The patterns of the contract, in words. */
const phrases = new Map([
  [
    '^[a-z0-9]+(-[a-z0-9]+)*$',
    'must be lowercase letters and digits, joined by single hyphens, such as my-name-1',
  ],
  [
    '^([a-z0-9]+(-[a-z0-9]+)*)?$',
    'must be lowercase letters and digits, joined by single hyphens, such as my-name-1, or empty',
  ],
  ['^[0-9]{12}$', 'must be the id of an AWS account: 12 digits'],
  ['^[a-z0-9-]+$', 'must be lowercase letters, digits and hyphens, such as us-west-2'],
  ['^[A-Za-z0-9_.-]+$', 'must be letters, digits, _, . and -'],
  ['^[^\\x00]*$', 'must not hold a NUL character'],
  [
    '^arn:aws(-us-gov|-cn)?:iam::[0-9]{12}:role/.+$',
    'must be the ARN of an IAM role, such as arn:aws:iam::123456789012:role/NAME',
  ],
  [
    '^arn:aws(-us-gov|-cn)?:iam::([0-9]{12}|aws):policy/.+$',
    'must be the ARN of an IAM policy, such as arn:aws:iam::123456789012:policy/NAME',
  ],
]);

/** Says in words what a validator says with a regular expression; other messages stay as they are. */
export function explainViolation(message: string): string {
  const pattern = /^does not match regex pattern `(.*)`$/s.exec(message)?.[1];
  return (pattern !== undefined && phrases.get(pattern)) || message;
}
