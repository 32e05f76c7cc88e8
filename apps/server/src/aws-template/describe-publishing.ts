import { TEMPLATE_VERSION } from '@planton/aws';

/** The help of `planton server template`. */
export function describePublishing(): string {
  const key = `planton-connect/${TEMPLATE_VERSION}/template.yaml`;
  return `Usage: planton server template

Prints the CloudFormation template by which AWS accounts are connected, version ${TEMPLATE_VERSION}.

CloudFormation takes templates from S3 alone, so that links that open the AWS console need it there. To publish it:

  planton server template > template.yaml
  aws s3 cp template.yaml s3://BUCKET/${key} --content-type application/yaml
  planton server start --aws-template-url https://BUCKET.s3.REGION.amazonaws.com/${key}

Whoever makes a stack has to be allowed to read the object. It holds nothing secret. Publish a new version beside the
old ones: stacks that exist keep the version that they were made with until they are updated.
Without S3, \`aws cloudformation deploy --template-file template.yaml\` takes the file as it is.
`;
}
