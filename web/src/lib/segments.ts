// What pages say about segments and their conditions, in the reader's language.
import { ApiError } from '$lib/api/client';
import type { Segment } from '$lib/api/types';
import { conditionClause, conditionSentence, type Speaker } from '$lib/condition-sentence';
import type { Tree } from '$lib/condition-tree';
import { valueName } from '$lib/facts';
import { f, t, words } from '$lib/i18n/index.svelte';
import type { IconName } from '$lib/icons';
import type { TemplateWords } from '$lib/segment-templates';
import { catalog } from '$lib/state/catalog.svelte';
import { session } from '$lib/state/session.svelte';

export const speaker = (): Speaker => ({
	t,
	has: (key) => words.has(key),
	number: (value) => f.plain(value),
	date: (iso) => f.date(iso.length === 10 ? `${iso}T12:00:00Z` : iso),
	segment: (key) => catalog.segmentName(key),
	list: (key) => catalog.listName(key),
	gap: words.language === 'zh' ? '' : ' '
});

export const sayCondition = (tree: Tree | null): string => conditionSentence(tree, speaker());
export const sayPart = (tree: Tree): string => conditionClause(tree, speaker());

export const STATE_ICONS: Record<Segment['state'], IconName> = { live: 'circle-check', filling: 'clock', failed: 'circle-alert' };
export const STATE_TONES: Record<Segment['state'], string> = { live: '', filling: 'warn', failed: 'bad' };

/** The server names who changed something by an id; one's own has a name here. */
export const changedBy = (id: string): string => (id === session.me?.user.id ? session.me.user.name : id);

export interface Refusal {
	/** The field that the server refused; empty where it names none. */
	field: string;
	words: string;
	error: unknown;
}

/** Where an error of saving belongs: beside a field, at the condition, or at the head of the page. */
export function refusal(error: unknown): Refusal {
	if (!(error instanceof ApiError)) return { field: '', words: t('error.title'), error };
	if (error.code.startsWith('condition')) return { field: 'condition', words: error.detail, error };
	const match = error.code === 'invalid_value' ? /^(name|description|key|condition|url|events|segments|identifiers|format|every_hours): ([\s\S]*)$/.exec(error.detail) : null;
	return match ? { field: match[1], words: match[2], error } : { field: '', words: error.message, error };
}

export const errorText = (error: unknown): string => refusal(error).words;

/** A value of a fact the server makes, such as a lifecycle stage; null is not known yet. */
export const factValue = (fact: string, value: string | null): string => (value === null ? t('flows.unknown') : valueName(fact, value, { t, has: (key) => words.has(key) }));

const displayName = (type: 'region' | 'language', code: string): string => new Intl.DisplayNames(words.locale, { type }).of(code) ?? code;

/** A threshold of a template: the name of it says what it is. */
function threshold(name: string, value: number | string): string | number {
	// A limit is a round number more often than not: nothing after the point says nothing.
	if (name.startsWith('spent')) return f.money(value, undefined, true).replace(/[.,]00(?!\d)/, '');
	// A share comes as a part of one.
	if (name === 'share') return f.percent(Number(value), 0);
	if (name === 'year') return String(value);
	if (typeof value === 'number') return f.plain(value, 1);
	if (name === 'group') return factValue('rfm.group', value);
	if (name === 'country' && /^[A-Za-z]{2}$/.test(value)) return displayName('region', value.toUpperCase());
	if (name === 'language' && /^[A-Za-z]{2,3}(-[A-Za-z]{2})?$/.test(value)) return displayName('language', value);
	return value;
}

export const templateWords = (): TemplateWords => ({ t, has: (key) => words.has(key), threshold });
