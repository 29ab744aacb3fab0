// Notes of interviews, focus groups, observations and mystery visits, as their page writes and shows them. Pure.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Note = Schemas['NoteSummary'];
export type NoteDetail = Schemas['NoteDetail'];
export type Quote = Schemas['NoteQuote'];

export const KINDS = ['interview', 'focus_group', 'observation', 'mystery_visit', 'other'] as const;
export type Kind = (typeof KINDS)[number];

/** A passage while it is written. */
export interface Passage {
	text: string;
	topics: string[];
	suggested: string[];
	person: string;
	name: string;
	consent: string;
}

export const EMPTY: Passage = { text: '', topics: [], suggested: [], person: '', name: '', consent: '' };

/** The passages of a note as the form has them. */
export const passagesOf = (note: NoteDetail): Passage[] =>
	note.passages.map((it) => ({ text: it.text, topics: it.topics, suggested: it.suggested, person: it.person_id ?? '', name: it.person_name ?? '', consent: it.consent ?? '' }));

/** A passage with a topic put in, or taken out where it was. What is taken out is offered again. */
export function turned(passage: Passage, topic: string): Passage {
	const has = passage.topics.includes(topic);
	return {
		...passage,
		topics: has ? passage.topics.filter((it) => it !== topic) : [...passage.topics, topic],
		suggested: has ? [...passage.suggested, topic] : passage.suggested.filter((it) => it !== topic)
	};
}

/** Text that was pasted, in passages: an empty line parts them. */
export const parted = (text: string): Passage[] =>
	text.split(/\n\s*\n/).map((it) => it.trim()).filter(Boolean).map((it) => ({ ...EMPTY, text: it }));

/** What keeps it from being saved; nothing where it can be. */
export function lacking(title: string, passages: Passage[]): 'title' | 'passage' | 'consent' | undefined {
	if (!title.trim()) return 'title';
	if (!passages.some((it) => it.text.trim())) return 'passage';
	return passages.some((it) => it.text.trim() && it.person && !it.consent.trim()) ? 'consent' : undefined;
}

/** What is sent. */
export const bodyOf = (kind: string, title: string, day: string, passages: Passage[], revision: number) => ({
	kind,
	title: title.trim(),
	...(day ? { held_at: `${day}T12:00:00Z` } : {}),
	passages: passages.filter((it) => it.text.trim()).map((it) => ({ text: it.text.trim(), topics: it.topics, ...(it.person ? { person_id: it.person, consent: it.consent.trim() } : {}) })),
	revision
});
