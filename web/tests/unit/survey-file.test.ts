import { describe, expect, it } from 'vitest';
import { doubled, hasAnswers, mappingOf, sentMapping, shownAnswer, targetsOf } from '../../src/lib/survey-file';
import type { Answer, Definition } from '../../src/lib/surveys';

const choice = (key: string) => ({ key, text: { en: key } });
const asks = (...answers: [string, Answer][]): Definition => ({ title: { en: 'T' }, default_language: 'en', pages: [{ questions: answers.map(([key, answer]) => ({ key, text: { en: key }, answer })) }] });

describe('a file of answers', () => {
	it('has columns that are questions, or parts of them', () => {
		const targets = targetsOf(asks(['nps', { kind: 'nps' }], ['parts', { kind: 'matrix', rows: [choice('time'), choice('packing')], columns: [choice('good')] }], ['wish', { kind: 'kano', functional: {}, dysfunctional: {} }], ['why', { kind: 'multiple', choices: [choice('price')], other: true }], ['where', { kind: 'single', choices: [choice('shop')], other: true }]));
		expect(targets.map((it) => it.value)).toEqual(['nps', 'parts.time', 'parts.packing', 'wish.functional', 'wish.dysfunctional', 'why', 'why.price', 'why.other', 'where', 'where.other']);
		expect(targets[1]).toEqual({ value: 'parts.time', question: 'parts', part: 'time' });
	});
	it('is mapped as proposed; what is left out is not sent, and two columns are not the same', () => {
		const mapping = mappingOf({ columns: [{ name: 'A', meaning: 'nps' }, { name: 'B', meaning: null }, { name: 'C', meaning: ':email' }] });
		expect(mapping).toEqual({ A: 'nps', B: '', C: ':email' });
		expect(sentMapping(mapping)).toEqual({ A: 'nps', C: ':email' });
		expect([doubled(mapping), doubled({ ...mapping, B: 'nps' })]).toEqual([[], ['nps']]);
		expect([hasAnswers(mapping), hasAnswers({ C: ':email', B: '' })]).toEqual([true, false]);
	});
	it('shows answers as one reads them', () => {
		expect([9, 'Fast', null, { time: 'good', packing: 2 }].map(shownAnswer)).toEqual(['9', 'Fast', '', 'time=good; packing=2']);
	});
});
