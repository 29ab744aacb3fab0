// Sentences of readouts in the reader's language: the server says which one it is and what it is filled with, this says it.
import type { components } from '$lib/api/schema';
import { effectText, meanText, metricName, totalText } from '$lib/experiment-words';
import type { Metric } from '$lib/experiments';
import { f, t, term, words, type Key } from '$lib/i18n/index.svelte';

export type Said = Pick<components['schemas']['Said'], 'code' | 'text'> & { params?: components['schemas']['Said']['params'] };
type Param = components['schemas']['SaidParam'];

/** A sentence; one that this console does not know is said in the server's English. */
export function saySentence(said: Said): string {
	const key = `experiment.say.${said.code}`;
	return words.has(key) && said.params ? t(key, filled(said.code, said.params)) : said.text;
}

const filled = (code: string, params: Record<string, Param>): Record<string, string> =>
	Object.fromEntries(Object.entries(params).map(([name, param]) => [name, written(code, param)]));

function written(code: string, it: Param): string {
	const value = it.value ?? 0;
	const of = { form: it.form ?? 'number', currency: it.currency ?? null } as Metric;
	switch (it.kind) {
		case 'metric': return metricName({ key: it.key ?? '', name: it.name ?? '' });
		case 'count': return f.number(value);
		case 'share': return f.percent(value, value < 0.01 ? 2 : 1);
		case 'shares': return (it.values ?? []).map((share) => f.percent(share, 1)).join(' : ');
		case 'mean': return meanText(of, value);
		case 'effect': return effectText(of, it.scale ?? 'relative', value);
		case 'size': return effectText(of, it.scale ?? 'relative', Math.abs(value)).replace(/^\+/, '');
		case 'total': return totalText(of, value);
		case 'reason': return term('experiment.reason', it.key ?? '');
		case 'items': return (it.items ?? []).map((item) => t(`experiment.say.${code}.item` as Key, filled(code, item))).join(t('experiment.say.and'));
		default: return it.name ?? '';
	}
}

/** How it may be read: true of any result, so no answer by itself. */
const READING = ['read_once', 'peeking_allowed'];
/** What is said of the metric that decides. */
const ANSWERS = ['win', 'loss', 'no_difference', 'unclear', 'unclear_of_many', 'undecidable', 'no_sums'];

/** A readout begins with its answer; how it may be read stands below. Where it must not be read yet, that is the answer. */
export function headed<S extends { code: string }>(sentences: S[]): { answer: S | undefined; reading: S | undefined; rest: S[] } {
	const [first] = sentences;
	const answer = first && READING.includes(first.code) ? sentences.find((it) => ANSWERS.includes(it.code)) : undefined;
	if (!answer) return { answer: first, reading: undefined, rest: sentences.slice(1) };
	return { answer, reading: first, rest: sentences.filter((it) => it !== answer && it !== first) };
}
