// Sentences of the server, known by their words: each with places for what it fills in.

export interface Known {
	key: string;
	pattern: RegExp;
	places: string[];
	/** How many of its letters are its own. */
	own: number;
}

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Sentences by their keys, as what they are recognized by. */
export const knownOf = (sentences: Record<string, string>): Known[] =>
	Object.entries(sentences).map(([key, text]) => {
		const parts = text.split(/\{(\w+)\}/);
		return { key, pattern: new RegExp(`^${parts.map((part, i) => (i % 2 ? '(.+?)' : literal(part))).join('')}$`, 's'), places: parts.filter((_, i) => i % 2), own: parts.reduce((all, part, i) => all + (i % 2 ? 0 : part.length), 0) };
	});

/** The sentence that a text is, and what it fills in. One that leaves less open says more. */
export function recognize(known: Known[], text: string): { key: string; params: Record<string, string> } | undefined {
	let best: { one: Known; found: RegExpExecArray } | undefined;
	for (const one of known) {
		const found = one.pattern.exec(text);
		if (found && (!best || one.own > best.one.own)) best = { one, found };
	}
	return best && { key: best.one.key, params: Object.fromEntries(best.one.places.map((place, i) => [place, best!.found[i + 1]])) };
}
