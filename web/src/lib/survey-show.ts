// When a question of a survey is shown, as a sentence.
import { t, words } from '$lib/i18n/index.svelte';
import { own, partName } from '$lib/survey-words';
import { KANO, questionsOf, type Definition, type Question, type Series, type Show, type Test } from '$lib/surveys';

const MOST_LETTERS = 40;
const brief = (text: string) => (text.length > MOST_LETTERS ? `${text.slice(0, MOST_LETTERS - 1)}…` : text);
const list = (texts: string[], type: 'conjunction' | 'disjunction') => new Intl.ListFormat(words.locale, { type }).format(texts);

/** What a choice is called. */
export function choiceName(question: Question | undefined, key: string, definition: Definition): string {
	if (!question) return key;
	const { answer } = question;
	if (answer.kind === 'consent') return key === 'yes' ? t('value.yes') : t('value.no');
	if (answer.kind === 'kano') {
		const at = KANO.indexOf(key as (typeof KANO)[number]);
		return answer.labels?.length ? own(answer.labels[at], definition) || key : at < 0 ? key : t(`survey.kano.${KANO[at]}`);
	}
	if (key === 'other') return t('survey.other');
	if (key === 'no_opinion') return t('survey.no_opinion');
	const choices = answer.kind === 'matrix' ? answer.columns : 'choices' in answer ? answer.choices : [];
	return own(choices.find((it) => it.key === key)?.text, definition) || key;
}

/** A row of a choice, with its question: of a matrix also its row, of a ranking that it was put first. */
export function choiceLabel(series: Pick<Series, 'question' | 'part'>, definition: Definition): string {
	const question = questionsOf(definition).find((it) => it.key === series.question);
	const slash = question?.answer.kind === 'matrix' ? series.part.indexOf('/') : -1;
	const [line, key] = slash < 0 ? ['', series.part] : [series.part.slice(0, slash), series.part.slice(slash + 1)];
	const name = [brief((question && own(question.text, definition)) || series.question), line && question ? partName(question, line, definition) : ''].filter(Boolean).join(': ');
	const choice = question?.answer.kind === 'ranking' ? t('choices.first', { name: partName(question, key, definition) }) : choiceName(question, key, definition);
	return t('choices.of', { name, choice });
}

function sayTest(test: Test, definition: Definition): string {
	const question = questionsOf(definition).find((it) => it.key === test.question);
	const name = brief((question && own(question.text, definition)) || test.question);
	const what = t('survey.show.question', { name: test.part && question ? `${name}: ${brief(partName(question, test.part, definition))}` : name });
	if (test.answered === false) return t('survey.show.unanswered', { what });
	const parts: string[] = [];
	if (test.is) parts.push(t('survey.show.is', { what, values: list(test.is.map((it) => brief(choiceName(question, it, definition))), 'disjunction') }));
	if (test.at_least !== undefined && test.at_most !== undefined) parts.push(test.at_least === test.at_most ? t('survey.show.equals', { what, value: test.at_least }) : t('survey.show.range', { what, low: test.at_least, high: test.at_most }));
	else if (test.at_least !== undefined) parts.push(t('survey.show.at_least', { what, value: test.at_least }));
	else if (test.at_most !== undefined) parts.push(t('survey.show.at_most', { what, value: test.at_most }));
	return parts.length ? list(parts, 'conjunction') : t('survey.show.answered', { what });
}

/** "7 or more" and "8 or less" of the same answer are one range. */
function ranges(tests: Show[]): Show[] {
	const isTest = (it: Show): it is Test => 'question' in it;
	const out: Show[] = [];
	for (const it of tests) {
		const at = isTest(it) ? out.findIndex((other) => isTest(other) && other.question === it.question && other.part === it.part && !other.is && !it.is && (it.at_most === undefined) !== (other.at_most === undefined) && (it.at_least === undefined) !== (other.at_least === undefined)) : -1;
		if (at < 0) out.push(it);
		else out[at] = { ...out[at], ...it };
	}
	return out;
}

/** A list within a list stands in brackets, so that "and" and "or" are not mixed up. */
const inner = (show: Show, definition: Definition) => ('all' in show || 'any' in show ? `(${clause(show, definition)})` : clause(show, definition));

function clause(show: Show, definition: Definition): string {
	if ('all' in show) return list(ranges(show.all).map((it) => inner(it, definition)), 'conjunction');
	if ('any' in show) return list(show.any.map((it) => inner(it, definition)), 'disjunction');
	if ('not' in show) return t('survey.show.not', { what: clause(show.not, definition) });
	return sayTest(show, definition);
}

/** "Shown if …" */
export const sayShow = (show: Show, definition: Definition): string => t('survey.show', { what: clause(show, definition) });
/** "Counted if …" */
export const sayCounted = (show: Show, definition: Definition): string => t('survey.counted', { what: clause(show, definition) });
