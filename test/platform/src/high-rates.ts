/** For whoever drives a server as hard as it goes with one key from one address: everything is counted, nothing refused. */
export const highRates = {
  PLANTON_RATE_LIMIT_PER_KEY: '1000000',
  PLANTON_RATE_LIMIT_PER_ORG: '1000000',
  PLANTON_RATE_LIMIT_PER_ADDRESS: '1000000',
} as const;
