import { AwsError, validationError } from '../errors/aws-error.ts';

const LARGEST = 1_000_000;
const LONGEST_WAIT = 10_000;
const LOOPBACK = /^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])$/;

/** The text of a template by its URL. */
export type FetchTemplate = (url: string) => Promise<string>;

/**
 * Templates that are at hand stand for what S3 would hold; beyond them, only this machine is asked.
 *
 * @throws AwsError `ValidationError`
 */
export function fetchTemplates(templates: () => Readonly<Record<string, string>>): FetchTemplate {
  return async (url) => {
    const atHand = templates();
    if (Object.hasOwn(atHand, url)) return atHand[url] ?? '';
    const { protocol, hostname } = URL.canParse(url) ? new URL(url) : { protocol: '', hostname: '' };
    if (!/^https?:$/.test(protocol) || !LOOPBACK.test(hostname)) {
      throw validationError(
        'TemplateURL must be a supported URL: one of the templates that the simulator was given, or http(s) on this machine.',
      );
    }
    return download(url);
  };
}

async function download(url: string): Promise<string> {
  try {
    const response = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(LONGEST_WAIT) });
    if (!response.ok) throw s3Error(`it answers ${response.status}`);
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of response.body ?? []) {
      size += chunk.length;
      if (size > LARGEST) throw validationError(`Template may not exceed ${LARGEST} bytes in size.`);
      chunks.push(chunk);
    }
    return Buffer.concat(chunks).toString('utf8');
  } catch (error) {
    throw error instanceof AwsError ? error : s3Error('it cannot be reached');
  }
}

function s3Error(what: string): AwsError {
  return validationError(`The template cannot be fetched from its URL: ${what}.`);
}
