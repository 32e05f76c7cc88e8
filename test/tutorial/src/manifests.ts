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

/** What the runner of path C finds where it runs; the control plane must never hold it. */
export const RUNNER_ACCESS_KEY_ID = 'AKIARUNNERDEMO000001';
export const RUNNER_SECRET_ACCESS_KEY = 'runnerOnlySecretAccessKey0000000000DEMO1';

/** The manifest of the tutorial's path C. */
export const runnerConnectionManifest = `apiVersion: connect.planton.ai/v1
kind: AwsProviderConnection
metadata:
  name: aws-runner
  org: your-org
spec:
  auth_mode: runner
  runner: my-aws-runner
  account_id:
    value: "123456789012"
  region:
    value: us-west-2
`;

/** The account of the tutorial, with the users of path A and of the runner. */
export const tutorialAccount = {
  id: '123456789012',
  users: [
    {
      name: 'planton',
      accessKeys: [{ accessKeyId: TUTORIAL_ACCESS_KEY_ID, secretAccessKey: TUTORIAL_SECRET_ACCESS_KEY }],
    },
    {
      name: 'runner',
      accessKeys: [{ accessKeyId: RUNNER_ACCESS_KEY_ID, secretAccessKey: RUNNER_SECRET_ACCESS_KEY }],
    },
  ],
};
