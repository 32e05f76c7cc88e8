import { stringify } from 'yaml';
import { buildTemplate } from './build-template.ts';
import { TEMPLATE_VERSION } from './template-version.ts';

const HEADER = `# Planton Connect, AWS account connection. Template version ${TEMPLATE_VERSION}.
#
# This stack creates
#   - an IAM role that one principal of Planton Connect may assume, and only with the external ID of your connection;
#   - for every capability that is switched on, one policy of that role: what deploying and operating the service needs;
#   - if a callback URL is given, a Lambda function (with a log group and a role that can write to it alone) that tells
#     Planton Connect that the stack is complete. It never fails the stack.
# It creates no access key, and no policy with the action "*". Deleting the stack takes the access away.

`;

/** The template in YAML, the same text at every call. CloudFormation reads YAML 1.1, so what 1.1 would take for something else than a string is quoted. */
export function renderTemplate(): string {
  return (
    HEADER +
    stringify(buildTemplate(), {
      version: '1.1',
      aliasDuplicateObjects: false,
      lineWidth: 0,
      indentSeq: false,
    })
  );
}
