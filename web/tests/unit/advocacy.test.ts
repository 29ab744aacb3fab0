import { describe, expect, it } from 'vitest';
import { asksBrand, changed, intervalOf, total } from '../../src/lib/advocacy';
import type { Definition } from '../../src/lib/surveys';

const change = (low: number, high: number, q: number) => ({ estimate: (low + high) / 2, low, high, q });

describe('a change', () => {
	it('is one only where its interval leaves out zero and it is no false finding among many', () => {
		expect([change(0.01, 0.2, 0.01), change(-0.2, -0.01, 0.05), change(-0.01, 0.2, 0.01), change(0.01, 0.2, 0.06), null, undefined].map(changed)).toEqual(['up', 'down', null, null, null, null]);
	});
});

describe('the way to a brand', () => {
	const definition = (...questions: [string, string][]) => ({ default_language: 'en', title: { en: 'x' }, pages: [{ questions: questions.map(([key, kind]) => ({ key, text: { en: key }, answer: { kind, choices: [] } })) }] }) as unknown as Definition;
	it('is asked about where two of its questions are answered by choosing', () => {
		expect(asksBrand(definition(['aided', 'multiple'], ['bought', 'single']))).toBe(true);
		expect(asksBrand(definition(['aided', 'multiple'], ['bought', 'text']))).toBe(false);
		expect(asksBrand(definition(['aided', 'multiple'], ['why', 'multiple']))).toBe(false);
	});
});

describe('advocacy', () => {
	it('adds up its kinds, and has periods that fit its time', () => {
		expect(total({ recommendation: 1, review: 2, mention: 3, referral: 4 })).toBe(10);
		expect(['7d', '30d', '90d', '365d'].map(intervalOf)).toEqual(['day', 'day', 'week', 'month']);
	});
});
