/** A part of a list. */
export interface Page<T> {
  data: T[];
  next_cursor: string | null;
}

/**
 * Reads a list object by object; each page is asked for when it is needed.
 *
 *     for await (const project of pages((cursor) => miaobu.listProjects({ cursor }))) …
 */
export async function* pages<T>(read: (cursor: string | undefined) => Promise<Page<T>>): AsyncGenerator<T, void> {
  let cursor: string | undefined;
  do {
    const page: Page<T> = await read(cursor);
    yield* page.data;
    cursor = page.next_cursor ?? undefined;
  } while (cursor !== undefined);
}
