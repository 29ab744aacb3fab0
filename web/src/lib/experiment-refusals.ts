// Why a design is refused. By itself, as every page's failures are said with it, and few pages say readouts.
import type { ProblemReason } from '$lib/api/client';
import { t, words, type Key } from '$lib/i18n/index.svelte';

/** Why a design is refused, in the reader's language; undefined where this console has no words for it. */
export function sayRefusal(reason: ProblemReason): string | undefined {
	const key = `experiment.refuse.${reason.code}`;
	if (!words.has(key)) return undefined;
	const said = t(key as Key, reason.params);
	return reason.field ? t('experiment.refuse', { field: sayField(reason.field), said }) : said;
}

/** `variants[1].weight` as people say it: the second variant, its weight. */
function sayField(field: string): string {
	const [, list, at, rest] = /^(variants|rules)\[(\d+)\]\.(.*)$/.exec(field) ?? [];
	const name = (path: string) => (words.has(`experiment.field.${path}`) ? t(`experiment.field.${path}` as Key) : path);
	if (list) return t(`experiment.field.of_${list}` as Key, { n: Number(at) + 1, field: name(rest) });
	return name(field);
}
