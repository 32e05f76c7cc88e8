/** The example pair that AWS documents; it opens nothing. */
export const TUTORIAL_ACCESS_KEY_ID = 'AKIAIOSFODNN7EXAMPLE';
export const TUTORIAL_SECRET_ACCESS_KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY';

/** The manifest of the tutorial's path A. */
export const awsConnectionManifest = `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata:
  name: my-aws-connection
  org: your-org
spec:
  auth_mode: inline
  account_id:
    value: "123456789012"
  region:
    value: us-west-2
  access_key_id:
    secret: aws-access-key-id
  secret_access_key:
    secret: aws-secret-access-key
`;
