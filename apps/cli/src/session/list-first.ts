/** A page of a list RPC. */
interface Page {
  readonly nextPageToken: string;
}

/** Asks for the first items of a list: no more pages than the limit needs. */
export async function listFirst<P extends Page, T>(
  limit: number,
  ask: (page: { pageSize: number; pageToken: string }) => Promise<P>,
  itemsOf: (page: P) => readonly T[],
): Promise<T[]> {
  const items: T[] = [];
  let pageToken = '';
  do {
    const page = await ask({ pageSize: Math.min(1000, limit), pageToken });
    items.push(...itemsOf(page));
    pageToken = page.nextPageToken;
  } while (pageToken !== '' && items.length < limit);
  return items.slice(0, limit);
}
