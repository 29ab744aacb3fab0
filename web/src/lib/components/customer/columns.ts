// The columns of the customer list, in order; the choice of which are shown is kept in the address.
import type { Key } from '$lib/i18n/index.svelte';

export const COLUMNS = ['name', 'email', 'last_seen', 'orders', 'spent', 'average', 'rfm', 'country', 'since'] as const;
export type ColumnKey = (typeof COLUMNS)[number];
export const SHOWN: readonly ColumnKey[] = ['name', 'email', 'last_seen', 'orders', 'spent', 'average', 'rfm', 'country'];

export const columnName = (key: ColumnKey): Key => `customers.column.${key}`;

/** "name,orders" to columns. The name is always there: it is what opens a row. Null means the usual ones. */
export function readColumns(text: string | null): readonly ColumnKey[] {
	if (!text) return SHOWN;
	const wanted = text.split(',');
	return COLUMNS.filter((key) => key === 'name' || wanted.includes(key));
}

export function writeColumns(columns: readonly ColumnKey[]): string | null {
	const text = columns.join(',');
	return text === SHOWN.join(',') ? null : text;
}

/** The RFM groups the server names, for the filter. */
export const RFM_GROUPS = ['champions', 'loyal', 'potential_loyalists', 'new_customers', 'promising', 'need_attention', 'about_to_sleep', 'at_risk', 'cannot_lose_them', 'hibernating'] as const;
