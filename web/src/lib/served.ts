// What the server says in English, in the reader's language. A sentence is known by its words, with places for what it fills in; one that this console does
// not know is said as it came. Only for rooms that bring their words along.
import { served as english } from './i18n/en/served';
import { t, type Key } from './i18n/index.svelte';

interface Known {
	key: Key;
	pattern: RegExp;
	places: string[];
}
const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const KNOWN: Known[] = Object.entries(english).map(([key, text]) => {
	const parts = text.split(/\{(\w+)\}/);
	return { key: `served.${key.slice('served.'.length)}` as Key, pattern: new RegExp(`^${parts.map((part, i) => (i % 2 ? '(.+?)' : literal(part))).join('')}$`, 's'), places: parts.filter((_, i) => i % 2) };
});

/** The words for a sentence of the server, and what it fills in. */
export function recognized(text: string): { key: Key; params: Record<string, string> } | undefined {
	for (const { key, pattern, places } of KNOWN) {
		const found = pattern.exec(text);
		if (found) return { key, params: Object.fromEntries(places.map((place, i) => [place, found[i + 1]])) };
	}
	return undefined;
}

export function sayServed(text: string): string {
	const known = recognized(text);
	return known ? t(known.key, known.params) : text;
}
