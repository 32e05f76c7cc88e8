import type { MessageInitShape } from '@bufbuild/protobuf';
import type {
  LookUpEnvironmentsRequest,
  LookUpEnvironmentsResponseSchema,
} from '@planton/api/identity/v1/identity_service';
import type { Deps } from '../deps.ts';
import { environmentMessage } from './environment-message.ts';
import { listEnvironmentsOf } from './environment-store.ts';

/** For services: they know the organisation by its uid. An unknown one has no environments. */
export function lookUpEnvironments({ database }: Deps) {
  return async ({
    organizationUid,
  }: LookUpEnvironmentsRequest): Promise<MessageInitShape<typeof LookUpEnvironmentsResponseSchema>> => {
    const environments = await listEnvironmentsOf(database.query, organizationUid);
    return {
      environments: environments.map((environment) => environmentMessage(environment, environment.org)),
    };
  };
}
