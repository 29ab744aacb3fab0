// What pages say about segments and their conditions, in the reader's language.
import { ApiError } from '$lib/api/client';
import type { Segment } from '$lib/api/types';
import { conditionClause, conditionSentence, type Speaker } from '$lib/condition-sentence';
import type { Tree } from '$lib/condition-tree';
import { f, t, words } from '$lib/i18n/index.svelte';
import type { IconName } from '$lib/icons';
import { catalog } from '$lib/state/catalog.svelte';
import { session } from '$lib/state/session.svelte';

const speaker = (): Speaker => ({
	t,
	has: (key) => words.has(key),
	number: (value) => f.plain(value),
	date: (iso) => f.date(iso.length === 10 ? `${iso}T12:00:00Z` : iso),
	segment: (key) => catalog.segmentName(key),
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
	const match = error.code === 'invalid_value' ? /^(name|description|key|condition): ([\s\S]*)$/.exec(error.detail) : null;
	return match ? { field: match[1], words: match[2], error } : { field: '', words: error.message, error };
}

export const errorText = (error: unknown): string => refusal(error).words;
