// A survey that is being written: every change makes a new definition, so that changes can be undone. All of it pure.
import type { Answer, AnswerKind, Choice, Definition, End, Page, Question, Quota, Show, Test, Texts } from './surveys';
import { KANO, languagesOf, questionsOf } from './surveys';

/** Where a question stands. */
export interface Place {
	page: number;
	question: number;
}
export function placeOf(definition: Definition, key: string): Place | null {
	for (const [page, it] of definition.pages.entries()) {
		const question = it.questions.findIndex((own) => own.key === key);
		if (question >= 0) return { page, question };
	}
	return null;
}

const replaced = <T>(list: readonly T[], at: number, next: T): T[] => list.map((it, i) => (i === at ? next : it));
const without = <T>(list: readonly T[], at: number): T[] => list.filter((_, i) => i !== at);
const inserted = <T>(list: readonly T[], at: number, it: T): T[] => [...list.slice(0, at), it, ...list.slice(at)];
/** The list with one moved by a step; the same where there is nowhere to go. */
export function moved<T>(list: readonly T[], at: number, step: -1 | 1): T[] {
	const to = at + step;
	if (to < 0 || to >= list.length) return [...list];
	return inserted(without(list, at), to, list[at]);
}
export const lists = { replaced, without, inserted, moved };

const withPage = (definition: Definition, at: number, page: Page): Definition => ({ ...definition, pages: replaced(definition.pages, at, page) });

/** A text without the languages that say nothing, so that what is not translated is not there. */
export function withText(texts: Texts | undefined, language: string, text: string): Texts {
	const { [language]: _, ...rest } = texts ?? {};
	return text === '' ? rest : { ...rest, [language]: text };
}

export function freeKey(wanted: string, taken: string[]): string {
	const base = wanted || 'question';
	if (!taken.includes(base)) return base;
	for (let n = 2; ; n++) if (!taken.includes(`${base}_${n}`)) return `${base}_${n}`;
}

/** The words that new questions begin with. */
export interface FirstWords {
	language: string;
	choice: (n: number) => string;
	functional: string;
	dysfunctional: string;
}
const choices = (words: FirstWords, keys: string[]): Choice[] => keys.map((key, i) => ({ key, text: { [words.language]: words.choice(i + 1) } }));

/** A kind of answer as it begins; what the one before had in common stays. */
export function freshAnswer(kind: AnswerKind, words: FirstWords, before?: Answer): Answer {
	const kept = before && 'choices' in before ? before.choices : before && 'columns' in before ? before.columns : undefined;
	const some = kept ?? choices(words, ['a', 'b']);
	const ends = before && ('low' in before || 'high' in before) ? { ...(before.low ? { low: before.low } : {}), ...(before.high ? { high: before.high } : {}) } : {};
	switch (kind) {
		case 'nps':
			return { kind, ...ends };
		case 'csat':
			return { kind, points: 5, ...ends };
		case 'ces':
			return { kind, points: 7, direction: 'up', ...ends };
		case 'scale':
			return { kind, from: 1, to: 5, direction: 'up', ...ends };
		case 'single':
		case 'multiple':
		case 'ranking':
			return { kind, choices: some };
		case 'matrix':
			return { kind, rows: choices(words, ['row_a', 'row_b']), columns: some };
		case 'kano':
			return { kind, functional: { [words.language]: words.functional }, dysfunctional: { [words.language]: words.dysfunctional } };
		case 'number':
			return { kind, from: 0, to: 100 };
		case 'text':
			return { kind, long: true, letters: 5000 };
		default:
			return { kind };
	}
}

export function addQuestion(definition: Definition, page: number, at: number, kind: AnswerKind, words: FirstWords): [Definition, string] {
	const key = freeKey(kind === 'nps' || kind === 'csat' || kind === 'ces' ? kind : `${kind}_1`, questionsOf(definition).map((it) => it.key));
	const question: Question = { key, text: {}, answer: freshAnswer(kind, words) };
	const own = definition.pages[page];
	return [withPage(definition, page, { ...own, questions: inserted(own.questions, at, question) }), key];
}
export function setQuestion(definition: Definition, key: string, change: Partial<Question>): Definition {
	const at = placeOf(definition, key);
	if (!at) return definition;
	const page = definition.pages[at.page];
	const next = { ...page.questions[at.question], ...change };
	// What is undefined is not there.
	for (const name of ['hint', 'show_if'] as const) if (next[name] === undefined) delete next[name];
	return withPage(definition, at.page, { ...page, questions: replaced(page.questions, at.question, next) });
}
export function removeQuestion(definition: Definition, key: string): Definition {
	const at = placeOf(definition, key);
	if (!at) return definition;
	const page = definition.pages[at.page];
	return withPage(definition, at.page, { ...page, questions: without(page.questions, at.question) });
}
export function copyQuestion(definition: Definition, key: string): [Definition, string] {
	const at = placeOf(definition, key);
	if (!at) return [definition, key];
	const page = definition.pages[at.page];
	const next = freeKey(key, questionsOf(definition).map((it) => it.key));
	return [withPage(definition, at.page, { ...page, questions: inserted(page.questions, at.question + 1, { ...page.questions[at.question], key: next }) }), next];
}
/** One place up or down; from the end of a page onto the next one. */
export function moveQuestion(definition: Definition, key: string, step: -1 | 1): Definition {
	const at = placeOf(definition, key);
	if (!at) return definition;
	const page = definition.pages[at.page];
	const to = at.question + step;
	if (to >= 0 && to < page.questions.length) return withPage(definition, at.page, { ...page, questions: moved(page.questions, at.question, step) });
	const other = definition.pages[at.page + step];
	if (!other) return definition;
	const question = page.questions[at.question];
	const taken = withPage(definition, at.page, { ...page, questions: without(page.questions, at.question) });
	return withPage(taken, at.page + step, { ...other, questions: step < 0 ? [...other.questions, question] : [question, ...other.questions] });
}
export const addPage = (definition: Definition, at: number): Definition => ({ ...definition, pages: inserted(definition.pages, at, { questions: [] }) });
/** Without a page; its questions go onto the one before it, or else after it. */
export function removePage(definition: Definition, at: number): Definition {
	if (definition.pages.length < 2) return definition;
	const { questions } = definition.pages[at];
	const pages = without(definition.pages, at);
	const to = Math.max(0, at - 1);
	const page = pages[to];
	return { ...definition, pages: replaced(pages, to, { ...page, questions: at > 0 ? [...page.questions, ...questions] : [...questions, ...page.questions] }) };
}
export const movePage = (definition: Definition, at: number, step: -1 | 1): Definition => ({ ...definition, pages: moved(definition.pages, at, step) });
export function setPageTitle(definition: Definition, at: number, title: Texts | undefined): Definition {
	const { title: _, ...page } = definition.pages[at];
	return withPage(definition, at, title && Object.keys(title).length ? { ...page, title } : page);
}

function inShow(show: Show, change: (test: Test) => Test): Show {
	if ('all' in show) return { all: show.all.map((it) => inShow(it, change)) };
	if ('any' in show) return { any: show.any.map((it) => inShow(it, change)) };
	return 'not' in show ? { not: inShow(show.not, change) } : change(show);
}
const everyText = (definition: Definition, change: (texts: Texts) => Texts): Definition => {
	const deep = (value: unknown): unknown => {
		if (Array.isArray(value)) return value.map(deep);
		if (!value || typeof value !== 'object') return value;
		const one = (name: string, it: unknown) => (isTexts(name, it) ? change(it) : name === 'labels' && Array.isArray(it) ? it.map((own) => change(own as Texts)) : deep(it));
		return Object.fromEntries(Object.entries(value).map(([name, it]) => [name, one(name, it)]));
	};
	return deep(definition) as Definition;
};
const TEXTS = ['title', 'introduction', 'text', 'hint', 'low', 'high', 'functional', 'dysfunctional'];
const isTexts = (name: string, it: unknown): it is Texts => TEXTS.includes(name) && !!it && typeof it === 'object' && !Array.isArray(it) && Object.values(it).every((one) => typeof one === 'string');

/** Another key for a question, also where it is tested and quoted. */
export function renameKey(definition: Definition, from: string, to: string): Definition {
	const test = (it: Test): Test => (it.question === from ? { ...it, question: to } : it);
	const show = <T extends { show_if?: Show }>(it: T): T => (it.show_if ? { ...it, show_if: inShow(it.show_if, test) } : it);
	const when = <T extends { when?: Show }>(it: T): T => (it.when ? { ...it, when: inShow(it.when, test) } : it);
	const renamed: Definition = {
		...definition,
		pages: definition.pages.map((page) => ({ ...page, questions: page.questions.map((it) => show(it.key === from ? { ...it, key: to } : it)) })),
		...(definition.quotas ? { quotas: definition.quotas.map(when) } : {}),
		...(definition.ends ? { ends: definition.ends.map(when) } : {})
	};
	const quoted = new RegExp(`(\\{\\{\\s*answers\\.)${from.replace(/[^\w-]/g, '')}(?![\\w-])`, 'g');
	return everyText(renamed, (texts) => Object.fromEntries(Object.entries(texts).map(([language, text]) => [language, text.replace(quoted, `$1${to}`)])));
}

export function addLanguage(definition: Definition, language: string): Definition {
	// A language is there when the title is in it.
	return { ...definition, title: { ...definition.title, [language]: definition.title[language] ?? '' } };
}
export function removeLanguage(definition: Definition, language: string): Definition {
	if (language === definition.default_language) return definition;
	return everyText(definition, (texts) => withText(texts, language, ''));
}
/** How much is said in a language, of what is said in the survey's own. */
export function translated(definition: Definition, language: string): { said: number; of: number } {
	let [said, of] = [0, 0];
	everyText(definition, (texts) => {
		if (texts[definition.default_language]?.trim()) {
			of += 1;
			if (texts[language]?.trim()) said += 1;
		}
		return texts;
	});
	return { said, of };
}
/** Without languages of texts that say nothing, as the server is told. A title keeps its languages. */
export const tidy = (definition: Definition): Definition => {
	const languages = languagesOf(definition);
	const clean = everyText(definition, (texts) => Object.fromEntries(Object.entries(texts).filter(([language, text]) => text !== '' && languages.includes(language))));
	return { ...clean, title: { ...definition.title } };
};

export const setEnds = (definition: Definition, ends: End[]): Definition => ({ ...definition, ends });
export const setQuotas = (definition: Definition, quotas: Quota[]): Definition => ({ ...definition, quotas });

/** Tests as rows that are joined one way; null of what has lists within lists, which has no rows. */
export interface TestRow extends Test {
	/** It must not be so. */
	negated?: boolean;
}
export interface ShowRows {
	join: 'all' | 'any';
	rows: TestRow[];
}
const isTest = (show: Show): show is Test => 'question' in show;
export function rowsOf(show: Show | undefined): ShowRows | null {
	if (!show) return { join: 'all', rows: [] };
	const row = (it: Show): TestRow | null => (isTest(it) ? { ...it } : 'not' in it && isTest(it.not) ? { ...it.not, negated: true } : null);
	const [join, parts] = 'all' in show ? (['all', show.all] as const) : 'any' in show ? (['any', show.any] as const) : (['all', [show]] as const);
	const rows = parts.map(row);
	return rows.every((it) => it !== null) ? { join, rows: rows as TestRow[] } : null;
}
export function showOf({ join, rows }: ShowRows): Show | undefined {
	const parts = rows.map(({ negated, ...test }): Show => (negated ? { not: test } : test));
	if (parts.length === 0) return undefined;
	if (parts.length === 1) return parts[0];
	return join === 'all' ? { all: parts } : { any: parts };
}

/** What a test asks of an answer, and what it can ask of this question. */
export const TEST_KINDS = ['is', 'at_most', 'at_least', 'between', 'answered', 'unanswered'] as const;
export type TestKind = (typeof TEST_KINDS)[number];
export function testKind(test: Test): TestKind {
	if (test.answered === false) return 'unanswered';
	if (test.is) return 'is';
	if (test.at_least !== undefined && test.at_most !== undefined) return 'between';
	if (test.at_most !== undefined) return 'at_most';
	return test.at_least !== undefined ? 'at_least' : 'answered';
}
const scaleEnds = (answer: Answer): [number, number] | null => {
	if (answer.kind === 'nps') return [0, 10];
	if (answer.kind === 'csat') return [1, answer.points ?? 5];
	if (answer.kind === 'ces') return [1, answer.points ?? 7];
	return answer.kind === 'scale' || answer.kind === 'number' ? [answer.from, answer.to] : null;
};
/** The keys that an answer can have. */
export function canBe(answer: Answer): string[] {
	if (answer.kind === 'kano') return [...KANO];
	if (answer.kind === 'consent') return ['yes', 'no'];
	if (answer.kind === 'scale') return answer.no_opinion ? ['no_opinion'] : [];
	if (answer.kind === 'matrix') return answer.columns.map((it) => it.key);
	if (answer.kind === 'single' || answer.kind === 'multiple') return [...answer.choices.map((it) => it.key), ...(answer.other ? ['other'] : [])];
	return [];
}
export function kindsFor(question: Question): TestKind[] {
	const { answer } = question;
	const numbers = scaleEnds(answer) !== null;
	return TEST_KINDS.filter((kind) => (kind === 'is' ? canBe(answer).length > 0 : kind === 'at_most' || kind === 'at_least' || kind === 'between' ? numbers : true));
}
/** A test of a question, of a kind, as it begins. */
export function freshTest(question: Question, kind: TestKind = kindsFor(question)[0]): Test {
	const test = { question: question.key };
	const [low, high] = scaleEnds(question.answer) ?? [0, 0];
	const middle = question.answer.kind === 'nps' ? 6 : Math.floor((low + high) / 2);
	switch (kind) {
		case 'is':
			return { ...test, is: canBe(question.answer).slice(0, 1) };
		case 'at_most':
			return { ...test, at_most: middle };
		case 'at_least':
			return { ...test, at_least: Math.min(high, middle + 1) };
		case 'between':
			return { ...test, at_least: middle, at_most: high };
		default:
			return { ...test, answered: kind === 'answered' };
	}
}
/** The questions that come before a place: only those can be tested and quoted. */
export function before(definition: Definition, key: string | null): Question[] {
	const all = questionsOf(definition);
	const at = key === null ? all.length : all.findIndex((it) => it.key === key);
	return all.slice(0, at < 0 ? all.length : at);
}

/** Which part of the editor a finding is about: a question's key, or `start`, `page.0`, `end.0`, `quota.0`, `asking`. */
export function partOf(definition: Definition, place: string): string {
	const list = /^(pages|ends|quotas)\[(\d+)\]/.exec(place);
	if (list) return `${{ pages: 'page', ends: 'end', quotas: 'quota' }[list[1] as 'pages']}.${list[2]}`;
	if (place === 'title' || place === 'introduction') return 'start';
	if (place.startsWith('asking')) return 'asking';
	const keys = questionsOf(definition).map((it) => it.key);
	const exact = keys.find((key) => key === place);
	return exact ?? keys.find((key) => place.startsWith(`${key}.`)) ?? (place === 'pages' ? 'page.0' : 'start');
}
