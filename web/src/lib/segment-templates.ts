// Ready conditions come from the server, with thresholds from this workspace's own customers. Their names and descriptions, which state
// the thresholds, are in the words: template.<key>, or template.<family> for those of which there is one for each channel, country and
// so on. Pure: the words come from the caller.
import type { TemplateRow } from './api/segments';
import { humanize } from './formatting';
import type { Key } from './i18n/index.svelte';
import type { Params } from './i18n/fill';

export const CATEGORIES = ['purchase', 'value', 'rfm', 'lifecycle', 'engagement', 'product', 'channel', 'occasion', 'people', 'experience'] as const;
export type Category = (typeof CATEGORIES)[number];
/** Templates of which there are many; the threshold says which one. */
const FAMILIES = ['channel', 'paid_by', 'affinity', 'rfm', 'country', 'language'];

export interface TemplateWords {
	t: (key: Key, params?: Params) => string;
	has: (key: string) => key is Key;
	/** A threshold as the reader writes it: money, a share, a country, a group. */
	threshold: (name: string, value: number | string) => string | number;
}

/** The key of the words: the template's own, or its family's. */
function wordKey(key: string, has: TemplateWords['has']): string | null {
	if (has(`template.${key}`)) return key;
	return FAMILIES.find((family) => key.startsWith(`${family}_`) && has(`template.${family}`)) ?? null;
}

export function templateText(row: TemplateRow, words: TemplateWords): { name: string; about: string } {
	const key = wordKey(row.key, words.has);
	// One that is newer than this console has a key and a text.
	if (!key) return { name: humanize(row.key), about: row.text };
	const params = Object.fromEntries(Object.entries(row.thresholds).map(([name, value]) => [name, words.threshold(name, value)]));
	return { name: words.t(`template.${key}` as Key, params), about: words.t(`template_about.${key}` as Key, params) };
}

/** Templates by category, in a fixed order; a category that is newer than this console comes last. */
export function byCategory(rows: TemplateRow[]): { category: string; rows: TemplateRow[] }[] {
	const order: string[] = [...new Set([...CATEGORIES, ...rows.map((row) => row.category)])];
	return order.map((category) => ({ category, rows: rows.filter((row) => row.category === category) })).filter((group) => group.rows.length > 0);
}
