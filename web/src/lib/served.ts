// What the server says in English, in the reader's language. A sentence is known by its words, with places for what it fills in; one that this console does
// not know is said as it came. Only for rooms that bring their words along.
import { served as english } from './i18n/en/served';
import { t, type Key } from './i18n/index.svelte';
import { knownOf, recognize } from './recognize';

const KNOWN = knownOf(english).map((it) => ({ ...it, key: `served.${it.key.slice('served.'.length)}` }));

/** The words for a sentence of the server, and what it fills in. */
export const recognized = (text: string) => recognize(KNOWN, text) as { key: Key; params: Record<string, string> } | undefined;

export function sayServed(text: string): string {
	const known = recognized(text);
	return known ? t(known.key, known.params) : text;
}
