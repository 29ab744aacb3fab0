// Facts that the server makes itself: what they and their values are called. Pure: the words come from the caller.
import type { Key } from './i18n/index.svelte';
import { humanize } from './formatting';

interface Words {
	t: (key: Key) => string;
	has: (key: string) => key is Key;
}

/** The words of each vocabulary stand together in the messages. */
const VOCABULARIES: Record<string, (value: string) => string> = {
	'rfm.group': (value) => `rfm.${value}`,
	'lifecycle.stage': (value) => `stage.${value}`,
	'engagement.level': (value) => `level.${value}`,
	'occurred.weekday': (value) => `weekday.${value}`
};

/** A value in the reader's words: as it is where it comes from outside, as words where the server made it up. */
export function valueName(fact: string, value: string, { t, has }: Words): string {
	const vocabulary = VOCABULARIES[fact];
	if (!vocabulary) return value;
	const key = vocabulary(value);
	return has(key) ? t(key) : humanize(value);
}
