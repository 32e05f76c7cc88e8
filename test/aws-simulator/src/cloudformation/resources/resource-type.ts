import type { Iam } from '../../iam/iam.ts';
import type { Functions } from '../../lambda/functions.ts';
import type { StackIdentity } from '../templates/pseudo-parameters.ts';
import type { Fields } from '../templates/template.ts';

/** What resources are made of and kept in. */
export interface ResourceWorld {
  readonly iam: Iam;
  readonly functions: Functions;
  /** ARNs of log groups. */
  readonly logGroups: Set<string>;
  readonly customResources: CustomResources;
  /** Letters and digits for a name that nobody gave. */
  randomName(size: number): string;
}

/** Asks the provider of a custom resource and waits for its answer. */
export interface CustomResources {
  /** @throws ResourceFailure when it answers FAILED, answers what is no answer, or does not answer in time */
  request(request: CustomResourceRequest): Promise<Made>;
}

export interface CustomResourceRequest {
  readonly requestType: 'Create' | 'Update' | 'Delete';
  readonly stack: StackIdentity;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Fields;
  readonly physicalId?: string;
  readonly oldProperties?: Fields;
}

/** A resource of a stack that is to be made, changed or taken down; its properties are evaluated. */
export interface ResourceRequest {
  readonly world: ResourceWorld;
  readonly stack: StackIdentity;
  readonly logicalId: string;
  readonly type: string;
  readonly properties: Fields;
}

export interface Made {
  /** What `Ref` gives. */
  readonly physicalId: string;
  /** What `Fn::GetAtt` gives. */
  readonly attributes: Fields;
}

/** What was there before an update. */
export interface Previous {
  readonly properties: Fields;
  readonly made: Made;
}

/** What is thrown is why the resource failed. */
export interface ResourceType {
  create(request: ResourceRequest): Promise<Made>;
  /** Another physical id says that it was replaced; what was there before is taken down later. */
  update(request: ResourceRequest, previous: Previous): Promise<Made>;
  delete(request: ResourceRequest, made: Made): Promise<void>;
}

/** Why a resource failed, in the words that the stack's events show. */
export class ResourceFailure extends Error {
  /** Of something that may be there all the same, and is taken down when the stack is rolled back. */
  readonly physicalId?: string;

  constructor(reason: string, physicalId?: string) {
    super(reason);
    this.name = 'ResourceFailure';
    if (physicalId !== undefined) this.physicalId = physicalId;
  }
}
