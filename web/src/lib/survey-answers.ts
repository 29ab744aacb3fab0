// What somebody answered, in words.
import { f, t } from '$lib/i18n/index.svelte';
import { choiceName } from '$lib/survey-show';
import { partName } from '$lib/survey-words';
import { KANO, questionsOf, type AnswerPart, type Definition, type Question, type Response } from '$lib/surveys';

export interface Said {
	question: string;
	/** Which part of the question; empty where there is only one. */
	part: string;
	value: string;
	/** In their own words. */
	isText: boolean;
}

function value(question: Question | undefined, part: AnswerPart, definition: Definition): string {
	if (part.kind === 'kano' && part.number) return choiceName(question, KANO[part.number - 1] ?? '', definition);
	if (part.kind === 'ranking' && part.number) return t('answer.place', { n: part.number });
	if (part.kind === 'date' && part.choice) return f.date(`${part.choice}T12:00:00Z`);
	if (part.choice) return part.text ? `${choiceName(question, part.choice, definition)}: ${part.text}` : choiceName(question, part.choice, definition);
	if (part.text) return part.text;
	if (part.number === null || part.number === undefined) return t('answer.blank');
	return part.high === null || part.high === undefined ? f.plain(part.number) : t('answer.of', { value: part.number, most: part.high });
}

/** All that somebody answered, in the order of the survey. */
export function saidIn(response: Response, definition: Definition): Said[] {
	const asked = questionsOf(definition);
	const place = new Map(asked.map((it, at) => [it.key, at]));
	const found = [...response.answers].sort((a, b) => (place.get(a.question) ?? 999) - (place.get(b.question) ?? 999));
	return found.map((part) => {
		const question = asked.find((it) => it.key === part.question);
		const name = part.kind === 'kano' ? t(part.part === 'functional' ? 'answer.with' : 'answer.without') : part.kind === 'multiple' || !part.part || !question ? '' : partName(question, part.part, definition);
		return { question: part.question, part: name, value: value(question, part, definition), isText: !!part.text && !part.choice };
	});
}

/** The points that somebody gave: of the question that is asked for, else of the first on a scale. */
export function pointsOf(response: Response, question?: string): AnswerPart | undefined {
	const onScale = response.answers.filter((it) => it.number !== null && it.number !== undefined && it.high !== null && it.high !== undefined && it.kind !== 'kano');
	return onScale.find((it) => it.question === question) ?? onScale[0];
}
/** From which end of its scale an answer is: the poor third, the good third, or between. */
export function toneOf(part: AnswerPart): 'bad' | 'good' | '' {
	if (part.number === null || part.number === undefined || part.low === null || part.low === undefined || part.high === null || part.high === undefined) return '';
	if (part.kind === 'nps') return part.number >= 9 ? 'good' : part.number <= 6 ? 'bad' : '';
	const at = (part.number - part.low) / Math.max(1, part.high - part.low);
	const place = part.direction === 'down' ? 1 - at : at;
	return place >= 0.75 ? 'good' : place <= 0.4 ? 'bad' : '';
}
export const textsOf = (response: Response): string[] => response.answers.flatMap((it) => (it.text && !it.choice ? [it.text] : []));
