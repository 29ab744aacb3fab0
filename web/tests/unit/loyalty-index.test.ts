import { describe, expect, it } from 'vitest';
import { effectWords, factMeasure, filled, hangs, held, inKind, measured, measureName, newMeasure, noIndex, type Effect } from '$lib/loyalty-index';
import { models } from '$lib/i18n/en/models';
import { fill } from '$lib/i18n/fill';

const say = ((key: string, params: Record<string, string | number> = {}) => fill((models as Record<string, string>)[key] ?? key, params, 'en-GB')) as never;
const write = { number: (value: number) => String(Math.round(value)), percent: (value: number) => `${Math.round(100 * value)}%` };
const effect = (more: Partial<Effect>): Effect => ({ people: 400, before: 58.2, after: 61.1, changed: 120, lost: 0, measures: [], is_window_changed: false, ...more }) as Effect;

describe('the loyalty index', () => {
	it('calls measures by their names, and facts without one by their keys', () => {
		expect([measureName('stars', say), measureName('fact:nps.last', say), measureName('fact:trait.mood', say), measureName('moon', say)]).toEqual(['stars they gave', 'would recommend you (0 to 10)', 'trait.mood', 'moon']);
		expect([factMeasure(' trait.mood '), factMeasure('fact:trait.mood'), factMeasure(' ')]).toEqual(['fact:trait.mood', 'fact:trait.mood', null]);
	});

	it('begins a measure as it is usually scaled', () => {
		expect(newMeasure('stars')).toEqual({ of: 'stars', weight: 1, facet: 'product_quality', source: 'said', scaling: { between: { worst: 1, best: 5 } } });
		for (const of of ['stars', 'visits', 'fact:trait.mood']) expect(measured(filled(newMeasure(of)))).toEqual(newMeasure(of));
		expect(measured({ ...filled(newMeasure('stars')), by: 'half', half: 3 }).scaling).toEqual({ half: 3 });
		expect(newMeasure('fact:trait.mood').scaling).toEqual({ between: { worst: 0, best: 10 } });
	});

	it('says what a change would do', () => {
		expect(effectWords(effect({}), say, write.number)).toEqual(['The index would be 61 instead of 58; 120 of 400 people would change by more than ten points.']);
		expect(effectWords(effect({ after: 58.2, changed: 0 }), say, write.number)[0]).toContain('would stay 58');
		expect(effectWords(effect({ lost: 3, is_window_changed: true }), say, write.number)).toHaveLength(3);
	});

	it('knows on which facet most hangs, who is loyal in a way, and why there is none', () => {
		const facet = (name: string, without: number | null) => ({ facet: name, weight: 0.5, mean: null, without }) as never;
		expect(hangs([facet('brand', null), facet('behaviour', 62), facet('attitude', 50)], 60)).toEqual({ facet: 'attitude', without: 50 });
		expect(hangs([facet('brand', null)], 60)).toBeNull();
		expect(inKind('said_only')).toEqual({ fact: { key: 'loyalty_index.kind', op: 'equals', value: 'said_only' } });
		expect(noIndex({ code: 'too_few_people', have: 3, need: 50, text: '' }, say)).toContain('3 people have bought');
		expect(noIndex({ code: 'new', have: 0, need: 0, text: 'Else.' }, say)).toBe('Else.');
		expect(held({ code: 'index_moves', before: 1, now: 0.34, text: '' }, say, write)).toContain('34% of the people');
		expect(held({ code: 'new', before: 1, now: 0, text: 'Else.' }, say, write)).toBe('Else.');
	});
});
