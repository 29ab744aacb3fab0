// What pages say about consent and privacy, in the reader's language.
import { t, term } from '$lib/i18n/index.svelte';
import { changedBy } from '$lib/segments';

/** Messages are named by their channel alone; another purpose is said. */
export function scopeName({ purpose, channel }: { purpose: string; channel: string | null }): string {
	const way = term('channel', channel ?? 'any');
	if (purpose === 'marketing') return way;
	return channel ? `${term('purpose', purpose)}, ${way}` : term('purpose', purpose);
}

export const actorName = (actor: string): string => (actor === 'person' ? t('privacy.themselves') : changedBy(actor));
