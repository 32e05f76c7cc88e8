/** A page of a list RPC. */
interface Page {
  readonly nextPageToken: string;
}

/** Asks for every page of a list. */
export async function listAll<P extends Page, T>(
  ask: (page: { pageSize: number; pageToken: string }) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
): Promise<T[]> {
  const items: T[] = [];
  const asked = new Set<string>();
  let pageToken = '';
  do {
    asked.add(pageToken);
    const page = await ask({ pageSize: 1000, pageToken });
    items.push(...itemsOf(page));
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && !asked.has(pageToken));
  return items;
}
