// A list that arrives page by page, with the server's cursor. A new first page drops what an older list still brings.
import { isAbort } from '$lib/api/client';
import type { List } from '$lib/api/types';

export class Pages<T> {
	rows = $state.raw<T[]>([]);
	total = $state<number | undefined>();
	next = $state<string | null>(null);
	loading = $state(false);
	/** Whether any page has arrived yet. */
	ready = $state(false);
	error = $state.raw<unknown>();
	#ask: ((cursor: string | null, signal: AbortSignal) => Promise<List<T>>) | undefined;
	#running: AbortController | undefined;

	async first(ask: (cursor: string | null, signal: AbortSignal) => Promise<List<T>>): Promise<void> {
		this.#ask = ask;
		await this.#load(null);
	}

	async more(): Promise<void> {
		if (this.next && !this.loading) await this.#load(this.next);
	}

	async #load(cursor: string | null): Promise<void> {
		this.#running?.abort();
		const mine = (this.#running = new AbortController());
		this.loading = true;
		try {
			const page = await this.#ask!(cursor, mine.signal);
			if (mine.signal.aborted) return;
			this.rows = cursor === null ? page.rows : [...this.rows, ...page.rows];
			this.next = page.next;
			if (page.total !== undefined && page.total !== null) this.total = page.total;
			else if (cursor === null) this.total = undefined;
			this.error = undefined;
			this.ready = true;
		} catch (error) {
			if (mine.signal.aborted || isAbort(error)) return;
			this.error = error;
		}
		this.loading = false;
	}
}
