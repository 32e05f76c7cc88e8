import { equals, type Message, toJson } from '@bufbuild/protobuf';
import type { Metadata } from '@planton/api/common/v1/metadata';
import type { ProviderConnection } from '@planton/api/connect/v1/provider_connection';
import { duplicate, internal, invalid } from '@planton/rpc';
import type { Provider } from '../providers/provider.ts';
import { providerOf } from '../providers/registry.ts';
import { type ConnectionRow, readSpec, readTextMap, slugOf } from './connection.ts';
import type { ConnectionContent } from './connection-change-store.ts';

/** A manifest as it was sent, with its spec in the form to store. */
export interface Draft {
  readonly provider: Provider;
  /** Empty where the manifest gives a slug alone. */
  readonly name: string;
  readonly slug: string;
  /** Whether the manifest names the slug itself. */
  readonly slugGiven: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly spec: Message;
  readonly warnings: readonly string[];
}

/** Reads what a manifest wants; its status and what the server sets in its metadata are ignored. */
export function readDraft(connection: ProviderConnection | undefined, organizationSlug: string): Draft {
  const manifest = connection?.kind.value;
  if (!connection || !manifest?.spec || !manifest.metadata) {
    throw internal('MANIFEST_INCOMPLETE', 'a manifest without metadata or spec passed validation');
  }
  const { metadata } = manifest;
  checkOrganization(metadata, organizationSlug);
  const provider = providerOf(connection);
  const { spec, warnings } = provider.normalize(manifest.spec);
  return {
    provider,
    name: metadata.name,
    slug: metadata.slug === '' ? slugOf(metadata.name) : metadata.slug,
    slugGiven: metadata.slug !== '',
    labels: metadata.labels,
    annotations: metadata.annotations,
    spec,
    warnings,
  };
}

/** Throws `ORGANIZATION_MISMATCH` for a manifest of another organisation than the request's. */
export function checkOrganization(metadata: Metadata | undefined, organizationSlug: string): void {
  if (!metadata || metadata.org === '' || metadata.org === organizationSlug) return;
  throw invalid(
    'ORGANIZATION_MISMATCH',
    `metadata.org is "${metadata.org}", and the request is for organisation "${organizationSlug}"`,
    { hint: `set metadata.org to ${organizationSlug}, or leave it out`, metadata: { org: metadata.org } },
  );
}

/** Throws `SLUG_TAKEN` where the slug belongs to a connection that the manifest does not mean. */
export function checkSlug(draft: Draft, stored: ConnectionRow | undefined): void {
  if (!stored) return;
  const { slug, provider } = draft;
  if (stored.provider !== provider.name) {
    throw duplicate(
      'SLUG_TAKEN',
      `the slug "${slug}" belongs to a connection of provider ${stored.provider}`,
      {
        hint: 'give another name, or another metadata.slug',
        metadata: { slug },
      },
    );
  }
  if (draft.slugGiven || stored.name === draft.name) return;
  throw duplicate(
    'SLUG_TAKEN',
    `the slug "${slug}", made from the name ${JSON.stringify(draft.name)}, belongs to the connection with the name ${JSON.stringify(stored.name)}`,
    { hint: `to rename that one, add metadata.slug: ${slug}; else give another name`, metadata: { slug } },
  );
}

/** What the draft says in the stored form. Fills in what only the server sets, and throws where the manifest sets it otherwise. */
export function settleDraft(
  draft: Draft,
  stored: ConnectionRow | undefined,
): { readonly spec: Message; readonly content: ConnectionContent; readonly storedSpec: Message | undefined } {
  const { provider } = draft;
  const storedSpec = stored && readSpec(provider, stored.spec);
  const spec = provider.keepServerOwned(draft.spec, storedSpec);
  return {
    spec,
    storedSpec,
    content: {
      provider: provider.name,
      kind: provider.kind,
      name: draft.name || (stored?.name ?? draft.slug),
      labels: draft.labels,
      annotations: draft.annotations,
      spec: toJson(provider.specSchema, spec),
    },
  };
}

/** Whether the content is what is stored already. */
export function isUnchanged(
  provider: Provider,
  content: ConnectionContent,
  spec: Message,
  stored: ConnectionRow,
  storedSpec: Message | undefined,
): boolean {
  return (
    storedSpec !== undefined &&
    equals(provider.specSchema, spec, storedSpec) &&
    content.name === stored.name &&
    sameTexts(content.labels, readTextMap(stored.labels)) &&
    sameTexts(content.annotations, readTextMap(stored.annotations))
  );
}

function sameTexts(a: Readonly<Record<string, string>>, b: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(a);
  return entries.length === Object.keys(b).length && entries.every(([key, value]) => b[key] === value);
}
