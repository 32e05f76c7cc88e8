/**
 * What a server answers the platform runner that it started, over the channel between the two, to `{certificateRequest}`. Times are
 * ISO 8601.
 */
export interface ServerEnrolment {
  readonly instanceUid: string;
  readonly gatewayAddress: string;
  readonly certificate: string;
  readonly caBundle: string;
  readonly generation: number;
  readonly expireTime: string;
  readonly renewAfterTime: string;
}
