// Under which id something is asked for that must not be done twice.

/**
 * Under which id it is asked for next. What the server refused stays refused under its id, so another is taken. Where no answer came, or one that is not the server's own (a proxy's, say), it may
 * have been done all the same: asked for again under the same id, it is done once.
 */
export function nextRequestId(id: string, error: unknown): string {
	const status = error instanceof Error && 'status' in error ? Number(error.status) : 0;
	return status >= 400 && status < 500 ? crypto.randomUUID() : id;
}
