// What customers write, as pages show it: which words decided, what a further choice would leave, and where a text came from.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type TextRow = Schemas['TextShape'];
export type TextReason = Schemas['WordShape'];
export type TextDetail = TextRow & { reasons: TextReason[] };
export type SimilarText = TextRow & { likeness: number };
export type TextCount = Schemas['TextCount'];
export type TextQuality = Schemas['QualityAnswer'];

export const TONES = ['negative', 'neutral', 'positive'] as const;
export type Tone = (typeof TONES)[number];
export const FEELINGS = ['anger', 'disappointment', 'anxiety', 'joy', 'gratitude', 'trust'] as const;
/** Urgency is found as feelings are, but is none. */
export const SHOWN = [...FEELINGS, 'urgency'] as const;
export type Shown = (typeof SHOWN)[number];
/** What staff mean by a tone, on the scale from -1 to 1. */
export const TONE_VALUES: Record<Tone, number> = { negative: -0.7, neutral: 0, positive: 0.7 };

/** A piece of a text, with the words of the reasons that it is. */
export interface Piece {
	text: string;
	reasons: TextReason[];
}

/** Cuts a text at the ends of the words that decided. The server counts characters, not the halves that JavaScript counts. */
export function pieces(text: string, reasons: TextReason[]): Piece[] {
	const characters = [...text];
	const at = (place: number) => Math.max(0, Math.min(place, characters.length));
	const cuts = [...new Set([0, characters.length, ...reasons.flatMap((reason) => [at(reason.start), at(reason.end)])])].sort((a, b) => a - b);
	return cuts.slice(1).map((end, i) => {
		const start = cuts[i];
		return { text: characters.slice(start, end).join(''), reasons: reasons.filter((reason) => reason.start <= start && reason.end >= end) };
	});
}

/** What is chosen among texts; an empty value is any. */
export interface Chosen {
	tone: string;
	feeling: string;
	language: string;
	event_name: string;
	stars: string;
}

export const NOTHING: Chosen = { tone: '', feeling: '', language: '', event_name: '', stars: '' };

const fits = (row: TextCount, chosen: Chosen, but?: keyof Chosen): boolean =>
	(['tone', 'language', 'event_name'] as const).every((key) => key === but || chosen[key] === '' || row[key] === chosen[key]) &&
	(but === 'stars' || chosen.stars === '' || String(row.stars ?? '') === chosen.stars);

/** How many texts are left by what is chosen. */
export function left(rows: TextCount[], chosen: Chosen): number {
	return rows.filter((row) => fits(row, chosen)).reduce((sum, row) => sum + (chosen.feeling ? (row.feelings[chosen.feeling] ?? 0) : row.texts), 0);
}

/** How many texts each value of one choice would leave, the others staying as they are; most first. */
export function offered(rows: TextCount[], chosen: Chosen, of: keyof Chosen): [value: string, texts: number][] {
	const found = new Map<string, number>();
	for (const row of rows) {
		if (!fits(row, chosen, of)) continue;
		if (of === 'feeling') for (const [feeling, texts] of Object.entries(row.feelings)) found.set(feeling, (found.get(feeling) ?? 0) + texts);
		else {
			const value = of === 'stars' ? String(row.stars ?? '') : row[of];
			found.set(value, (found.get(value) ?? 0) + (chosen.feeling ? (row.feelings[chosen.feeling] ?? 0) : row.texts));
		}
	}
	return [...found].filter(([value, texts]) => value !== '' && texts > 0).sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
}

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;

/** From when on texts of a period like "90d" are; null for all. Full hours, so that the same page asks the same. */
export function since(period: string, now: number): string | null {
	const days = parseInt(period, 10);
	return Number.isNaN(days) ? null : new Date(Math.floor((now - days * DAY_MS) / HOUR_MS) * HOUR_MS).toISOString();
}

/** An event's name as the last part of a key for its words: "Product Reviewed" is "product_reviewed". */
export const slug = (name: string): string => name.trim().toLowerCase().replace(/[^a-z0-9]+/g, '_');
