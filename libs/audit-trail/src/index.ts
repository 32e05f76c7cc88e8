export { type AuditPace, type AuditTrail, keepAuditTrail } from './keep-audit-trail.ts';
export { type AuditSettings, openAuditSettings, plainAudit } from './keys/open-audit-settings.ts';
export { openSigningKey, SigningKeyRefused } from './keys/open-signing-key.ts';
export { createSeals, numberRecords } from './migrations/create-seals.ts';
