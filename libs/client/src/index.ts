export { createPlanton, type Planton, type PlantonSettings } from './create-planton.ts';
export { type AwsCredentialsOptions, fromPlantonConnection } from './from-planton-connection.ts';
