// Something a page loads. While it is asked again the old value stays on screen, an answer that was overtaken is dropped,
// and leaving cancels what is under way.
import { isAbort } from '$lib/api/client';

export class Resource<T> {
	value = $state.raw<T | undefined>();
	error = $state.raw<unknown>();
	loading = $state(false);
	#running: AbortController | undefined;

	async load(ask: (signal: AbortSignal) => Promise<T>): Promise<void> {
		this.#running?.abort();
		const mine = (this.#running = new AbortController());
		this.loading = true;
		try {
			const value = await ask(mine.signal);
			if (mine.signal.aborted) return;
			this.value = value;
			this.error = undefined;
		} catch (error) {
			if (mine.signal.aborted || isAbort(error)) return;
			this.error = error;
		}
		this.loading = false;
	}

	cancel(): void {
		this.#running?.abort();
		this.loading = false;
	}
}
