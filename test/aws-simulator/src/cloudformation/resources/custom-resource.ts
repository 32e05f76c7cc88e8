import type { ResourceType } from './resource-type.ts';

/** AWS::CloudFormation::CustomResource and Custom::*: whoever the `ServiceToken` names makes it. */
export const customResource: ResourceType = {
  create: ({ world, ...request }) => world.customResources.request({ ...request, requestType: 'Create' }),
  update: ({ world, ...request }, { properties, made }) =>
    world.customResources.request({
      ...request,
      requestType: 'Update',
      physicalId: made.physicalId,
      oldProperties: properties,
    }),
  delete: async ({ world, ...request }, { physicalId }) => {
    await world.customResources.request({ ...request, requestType: 'Delete', physicalId });
  },
};
