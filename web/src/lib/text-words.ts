// Words for what is understood of texts.
import { f, t, term, words, type Key } from '$lib/i18n/index.svelte';
import { slug, type TextRow } from '$lib/texts';

/** Where a text came from: "Review", "Ticket"; an event that nobody named is called what it is called. */
export function sourceName(event: string): string {
	const key = `text.from.${slug(event)}`;
	return words.has(key) ? t(key) : event;
}

export const languageName = (tag: string): string => (tag ? f.language(tag) : t('text.language_unknown'));

export const feelingName = (feeling: string): string => term('text.feeling', feeling);

export const toneName = (tone: string): string => t(`text.tone.${tone}` as Key);

export const writer = (row: Pick<TextRow, 'person_name'>): string => row.person_name || t('text.somebody');
