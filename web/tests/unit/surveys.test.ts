import { beforeAll, describe, expect, it } from 'vitest';
import { words } from '../../src/lib/i18n/index.svelte';
import { partsOf, toneAt } from '../../src/lib/survey-spread';
import { chosenIn } from '../../src/lib/survey-choices';
import { choiceLabel, sayShow } from '../../src/lib/survey-show';
import { difference, measured, questionName } from '../../src/lib/survey-words';
import { headline, inWords, isKey, keyFrom, languagesOf, nextStep, type Definition, type Results, type Series, type SurveySummary } from '../../src/lib/surveys';

beforeAll(() => words.with('feedback'));
const definition: Definition = {
	title: { en: 'T', zh: 'T', de: 'T' },
	default_language: 'en',
	pages: [
		{
			questions: [
				{ key: 'nps', text: { en: 'Would you recommend us?' }, answer: { kind: 'nps' } },
				{ key: 'why', text: { en: 'Why?' }, answer: { kind: 'single', choices: [{ key: 'price', text: { en: 'The price' } }, { key: 'service', text: { en: 'The service' } }], other: true } },
				{ key: 'parts', text: { en: 'Parts' }, answer: { kind: 'matrix', rows: [{ key: 'speed', text: { en: 'Speed' } }], columns: [{ key: 'good', text: { en: 'Good' } }, { key: 'bad', text: { en: 'Bad' } }] } }
			]
		}
	]
};

describe('how answers spread', () => {
	it('makes detractors, passives and promoters of a recommendation', () => {
		const values = [[0, 1], [6, 2], [7, 3], [8, 1], [9, 4], [10, 9]].map(([value, answers]) => ({ value, answers }));
		const parts = partsOf({ kind: 'nps', low: 0, high: 10, direction: 'up' }, { answers: 20, values });
		expect(parts.map((it) => [it.stance, it.answers, it.share])).toEqual([['detractors', 3, 0.15], ['passives', 4, 0.2], ['promoters', 13, 0.65]]);
	});
	it('begins with the poor end, also where little is good', () => {
		const values = [{ value: 1, answers: 3 }, { value: 5, answers: 1 }];
		expect(partsOf({ kind: 'ces', low: 1, high: 5, direction: 'down' }, { answers: 4, values }).map((it) => it.from)).toEqual([5, 4, 3, 2, 1]);
		expect(partsOf({ kind: 'csat', low: 1, high: 5, direction: 'up' }, { answers: 4, values }).map((it) => [it.from, it.answers])).toEqual([[1, 3], [2, 0], [3, 0], [4, 0], [5, 1]]);
		expect([0, 1, 2, 3, 4].map((i) => toneAt(i, 5))).toEqual(['bad', 'low', 'mid', 'high', 'good']);
	});
});

describe('a survey', () => {
	const row = (more: Partial<SurveySummary>) => ({ state: 'open', version: 1, published: 1, completed: 100, ...more }) as SurveySummary;
	it('says what comes next', () => {
		expect([row({ state: 'draft' }), row({ state: 'paused' }), row({ version: 2 }), row({ completed: 0 }), row({ completed: 29 }), row({}), row({ state: 'closed' }), row({ state: 'closed', completed: 0 })].map(nextStep)).toEqual(['finish', 'continue', 'publish', 'share', 'wait', 'follow', 'read', 'none']);
	});
	it('has keys that the server takes', () => {
		expect(['Nach der Lieferung', '  NPS – 2026 ', 'Überblick', '推荐'].map(keyFrom)).toEqual(['nach_der_lieferung', 'nps_2026', 'uberblick', '']);
		expect([isKey('a-b_1'), isKey(''), isKey('A'), isKey('a'.repeat(61))]).toEqual([true, false, false, false]);
	});
	it('is read in the language of the reader, else in its own', () => {
		expect([inWords({ en: 'a', zh: 'b' }, 'zh'), inWords({ en: 'a', zh: '' }, 'zh'), inWords({ de: 'c' }, 'zh'), inWords(undefined, 'zh')]).toEqual(['b', 'a', 'c', '']);
		expect(languagesOf(definition)).toEqual(['en', 'de', 'zh']);
	});
	it('has the score of its first question that was answered', () => {
		const score = { measure: 'nps', estimate: 30, low: 20, high: 40, few: false };
		const series = (question: string, scores: unknown[]) => ({ question, total: { scores } });
		const results = { rows: [series('csat', []), series('nps', [score])] } as unknown as Results;
		expect(headline(results)?.series.question).toBe('nps');
		expect(headline(undefined)).toBeUndefined();
		expect(headline({ rows: [{ ...series('why', [score]), kind: 'choice' }] } as unknown as Results)).toBeUndefined();
	});
});

describe('what was chosen', () => {
	it('is listed by question and row, the most chosen first, with the way to those who chose it', () => {
		const row = (question: string, part: string, estimate: number) => ({ question, part, kind: 'choice', total: { scores: [{ estimate }] } }) as unknown as Series;
		const lists = chosenIn([row('why', 'price', 0.2), row('why', 'service', 0.7), row('parts', 'speed/good', 0.5), { ...row('nps', '', 1), kind: 'nps' }], definition);
		expect(lists.map((it) => [it.question, it.line, it.choices.map((one) => one.key).join()])).toEqual([['why', '', 'service,price'], ['parts', 'speed', 'good']]);
		expect(lists[0].choices[0].behind).toEqual({ question: 'why', choice: 'service' });
		expect(lists[1].choices[0].behind).toEqual({ question: 'parts', part: 'speed', choice: 'good' });
	});
});

describe('words of surveys', () => {
	it('say when a question is shown', () => {
		expect(sayShow({ question: 'nps', at_most: 6 }, definition)).toBe('Shown if “Would you recommend us?” is 6 or less');
		expect(sayShow({ question: 'why', is: ['price', 'other'] }, definition)).toBe('Shown if “Why?” is The price or something else');
		expect(sayShow({ all: [{ question: 'parts', part: 'speed', is: ['bad'] }, { any: [{ question: 'nps', answered: false }, { not: { question: 'nps', at_least: 9, at_most: 10 } }] }] }, definition)).toBe('Shown if “Parts: Speed” is Bad and (“Would you recommend us?” was not answered or not: “Would you recommend us?” is 9 to 10)');
		expect(sayShow({ all: [{ question: 'nps', at_least: 7 }, { question: 'nps', at_most: 8 }, { question: 'why', answered: true }] }, definition)).toBe('Shown if “Would you recommend us?” is 7 to 8 and “Why?” was answered');
		expect(sayShow({ question: 'gone', answered: true }, definition)).toBe('Shown if “gone” was answered');
	});
	it('write each measure its own way', () => {
		expect([measured('nps', 39.84), measured('mean', 4.2), measured('top_two', 0.8207)]).toEqual(['39.8', '4.20', '82.1%']);
		expect([difference('nps', 4.1), difference('mean', -0.2), difference('easy', 0.031)]).toEqual(['+4.1', '-0.2', '+3.1 points']);
		expect(questionName(definition, 'parts', 'speed')).toBe('Parts: Speed');
	});
});

describe('a choice by itself', () => {
	it('is named with its question, and of a matrix with its row', () => {
		expect([choiceLabel({ question: 'why', part: 'price' }, definition), choiceLabel({ question: 'parts', part: 'speed/good' }, definition), choiceLabel({ question: 'gone', part: 'x' }, definition)]).toEqual(['Why?: The price', 'Parts: Speed: Good', 'gone: x']);
	});
});
