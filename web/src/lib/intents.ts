// What texts want, named by the workspace and learnt from its examples. Pure.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type IntentList = Schemas['IntentList'];
export type IntentSummary = Schemas['IntentSummary'];
export type IntentDetail = Schemas['IntentDetail'];
export type IntentGuess = Schemas['IntentGuess'];
export type TextIntents = Schemas['TextIntents'];

/** What the server takes: letters of an example, examples of an intent. */
export const LONGEST = 1_000;
export const MOST_EXAMPLES = 2_000;

/** The key of a name as somebody types it: "Where's my order?" is `where_s_my_order`; nothing where no letter of a key is in it. */
export const keyOf = (name: string): string => name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '_').slice(0, 40).replace(/^_+|_+$/g, '');

/** A key as it is read. */
export function intentName(key: string): string {
	const words = key.replace(/_+/g, ' ').trim() || key;
	return words[0].toUpperCase() + words.slice(1);
}

const sameAs = (text: string): string => text.toLowerCase().replace(/\s+/g, ' ');
const lengthOf = (text: string): number => [...text].length;

/** What of pasted lines is added to examples: one a line, none twice, none too long, no more than are taken. */
export interface Pasted {
	examples: string[];
	added: number;
	known: number;
	too_long: number;
	/** Those that found no room. */
	over: number;
}

export function paste(examples: string[], text: string): Pasted {
	const seen = new Set(examples.map(sameAs));
	const result: Pasted = { examples: [], added: 0, known: 0, too_long: 0, over: 0 };
	for (const line of text.split(/\r\n|\r|\n/).map((line) => line.trim())) {
		if (!line) continue;
		if (lengthOf(line) > LONGEST) result.too_long++;
		else if (seen.has(sameAs(line))) result.known++;
		else if (examples.length + result.examples.length >= MOST_EXAMPLES) result.over++;
		else {
			seen.add(sameAs(line));
			result.examples.push(line);
		}
	}
	result.added = result.examples.length;
	// The newest first: what was just pasted is seen.
	result.examples = [...result.examples, ...examples];
	return result;
}

/** How often always naming the intent with the most examples would be right: what a measured share is to be held against. */
export function byChance(rows: IntentSummary[]): number | null {
	const all = rows.reduce((sum, row) => sum + row.examples, 0);
	return rows.length > 1 && all > 0 ? Math.max(...rows.map((row) => row.examples)) / all : null;
}
