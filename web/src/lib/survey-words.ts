// What pages say about surveys and their scores, in the reader's language.
import { f, t, words } from '$lib/i18n/index.svelte';
import { inWords, type Definition, type Question, type Score, type Series, type Texts } from '$lib/surveys';

/** A text of a survey for the person at the screen. */
export const own = (texts: Texts | undefined, definition?: Definition): string => inWords(texts, words.language, definition?.default_language);

/** A value of a measure: points, a share, or a mean on the scale. */
export function measured(measure: string, value: number, digits?: number): string {
	if (measure === 'nps') return f.plain(value, digits ?? 1);
	if (measure === 'mean') return f.number(value, digits ?? 2);
	return f.percent(value, digits ?? 1);
}
/** A difference of two values of a measure, with its sign. */
export function difference(measure: string, value: number): string {
	if (measure === 'nps') return f.signed(value, 1);
	if (measure === 'mean') return f.signed(value, 2);
	return t('score.points', { n: f.signed(value * 100, 1) });
}
export const between = (score: Pick<Score, 'measure' | 'low' | 'high'>): string => t('score.between', { low: measured(score.measure, score.low), high: measured(score.measure, score.high) });

/** What a question is called where there is little room. */
export function questionName(definition: Definition, key: string, part = ''): string {
	const question = definition.pages.flatMap((page) => page.questions).find((it) => it.key === key);
	const name = question ? own(question.text, definition) : '';
	const row = part && question ? partName(question, part, definition) : part;
	return [name || key, row].filter(Boolean).join(': ');
}
export function partName(question: Question, part: string, definition: Definition): string {
	const answer = question.answer;
	const choices = 'rows' in answer ? answer.rows : 'choices' in answer ? answer.choices : [];
	return own(choices.find((it) => it.key === part)?.text, definition) || part;
}
/** "0 to 10", and which end is the good one where that is not plain. */
export const scaleText = (series: Pick<Series, 'low' | 'high' | 'direction'>): string => t(series.direction === 'down' ? 'score.scale_down' : 'score.scale', { low: series.low, high: series.high });
