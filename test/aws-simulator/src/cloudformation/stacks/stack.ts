import type { Made } from '../resources/resource-type.ts';
import type { StackIdentity } from '../templates/pseudo-parameters.ts';
import type { Fields, Template } from '../templates/template.ts';

export type StackStatus =
  | 'CREATE_IN_PROGRESS'
  | 'CREATE_COMPLETE'
  | 'ROLLBACK_IN_PROGRESS'
  | 'ROLLBACK_COMPLETE'
  | 'ROLLBACK_FAILED'
  | 'UPDATE_IN_PROGRESS'
  | 'UPDATE_COMPLETE_CLEANUP_IN_PROGRESS'
  | 'UPDATE_COMPLETE'
  | 'UPDATE_ROLLBACK_IN_PROGRESS'
  | 'UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS'
  | 'UPDATE_ROLLBACK_COMPLETE'
  | 'UPDATE_ROLLBACK_FAILED'
  | 'DELETE_IN_PROGRESS'
  | 'DELETE_COMPLETE'
  | 'DELETE_FAILED';

export type ResourceStatus = `${'CREATE' | 'UPDATE' | 'DELETE'}_${'IN_PROGRESS' | 'COMPLETE' | 'FAILED'}`;

/** A stack as it is at one moment. */
export interface Stack extends StackIdentity {
  readonly description?: string;
  readonly status: StackStatus;
  readonly statusReason?: string;
  /** Those of `NoEcho` read `****`. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly capabilities: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly resources: readonly StackResource[];
  /** Oldest first. */
  readonly events: readonly StackEvent[];
  readonly createTime: Date;
  readonly updateTime?: Date;
  readonly deleteTime?: Date;
}

export interface StackResource {
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId?: string;
  readonly status: ResourceStatus;
  readonly statusReason?: string;
}

export interface StackEvent {
  readonly time: Date;
  /** The name of the stack, in an event of the stack itself. */
  readonly logicalId: string;
  readonly type: string;
  readonly physicalId?: string;
  readonly status: StackStatus | ResourceStatus;
  readonly reason?: string;
}

/** A stack as it is kept; what it is made of changes. */
export interface StackState extends StackIdentity {
  template: Template;
  parameters: ReadonlyMap<string, string>;
  status: StackStatus;
  statusReason?: string | undefined;
  readonly capabilities: readonly string[];
  outputs: Readonly<Record<string, string>>;
  /** By logical id, in the order they were made. */
  resources: Map<string, ResourceState>;
  readonly events: StackEvent[];
  readonly createTime: Date;
  updateTime?: Date;
  deleteTime?: Date;
}

export interface ResourceState {
  readonly logicalId: string;
  readonly type: string;
  readonly retained: boolean;
  readonly properties: Fields;
  /** Absent of what never came to be. */
  readonly made?: Made;
  readonly status: ResourceStatus;
  readonly statusReason?: string;
}
