/** Variables of a process. */
export type Env = Readonly<Record<string, string | undefined>>;

/** What of the parent's `AWS_*` a child may see: nothing that names an account, a person or a place that holds a key. */
const harmless =
  /^AWS_(ENDPOINT_URL(_.+)?|IGNORE_CONFIGURED_ENDPOINT_URLS|CA_BUNDLE|USE_FIPS_ENDPOINT|USE_DUALSTACK_ENDPOINT|STS_REGIONAL_ENDPOINTS|DEFAULT_OUTPUT|PAGER|CLI_.+|MAX_ATTEMPTS|RETRY_MODE|DEFAULTS_MODE|DATA_PATH|SDK_LOAD_CONFIG|SDK_UA_APP_ID|REQUEST_CHECKSUM_CALCULATION|RESPONSE_CHECKSUM_VALIDATION|EXECUTION_ENV)$/;

/** What of the parent's `PLANTON_*` a child may see, so that a script can call the CLI again with its own sign-in. */
const settings = new Set(['PLANTON_SERVER', 'PLANTON_ORG', 'PLANTON_ENV', 'PLANTON_CONFIG_HOME']);

/** Older names under which tools look for AWS credentials. */
const older = /^(AMAZON_.*|BOTO_CONFIG|EC2_.*KEY.*|EC2_.*CERT.*|S3_.*KEY.*)$/;

/** Files that stand in for those in the home folder. */
export interface StandIns {
  /** A file without content. */
  readonly credentialsFile: string;
  /** A file that holds the region and nothing else. */
  readonly configFile: string;
}

/**
 * The environment of a child: the parent's without any other AWS identity, and with `injected`. Unknown `AWS_*` and
 * `PLANTON_*` variables are dropped, because tomorrow's SDK may read credentials from them.
 */
export function childEnvironment(
  parent: Env,
  region: string,
  { credentialsFile, configFile }: StandIns,
  injected: Readonly<Record<string, string>>,
): Env {
  const kept = Object.entries(parent).filter(([name]) => {
    if (name.startsWith('AWS_')) return harmless.test(name);
    if (name.startsWith('PLANTON_')) return settings.has(name);
    return !older.test(name);
  });
  return {
    ...Object.fromEntries(kept),
    AWS_SHARED_CREDENTIALS_FILE: credentialsFile,
    AWS_CONFIG_FILE: configFile,
    AWS_EC2_METADATA_DISABLED: 'true',
    ...(region === '' ? {} : { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
    ...injected,
  };
}
