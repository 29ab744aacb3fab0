// The changes by hand that wait for a second person. Several places look at them: the room's tab, their page, a member's page.
import { api } from '$lib/api/client';
import type { Change } from '$lib/api/loyalty';
import type { List } from '$lib/api/types';

/** So long what was read is not read again by going from page to page. */
const FRESH_MS = 60_000;
const MOST = 200;

class Approvals {
	rows = $state.raw<Change[]>([]);
	#readAt = 0;

	/** Those that whoever reads may decide: somebody else asked. */
	get toDecide(): number {
		return this.rows.filter((it) => !it.is_own).length;
	}

	/** Reads them, unless they were just read. A count that cannot be had is none: pages say themselves what went wrong. */
	async look(anew = false): Promise<void> {
		if (!anew && Date.now() - this.#readAt < FRESH_MS) return;
		this.#readAt = Date.now();
		try {
			this.rows = (await api.get<List<Change>>('/loyalty/changes', { query: { state: 'asked', limit: MOST } })).rows;
		} catch {
			this.#readAt = 0;
		}
	}
}

export const approvals = new Approvals();
