// Slots: order of variants, what a draft lacks, and the snippet.
import { describe, expect, it } from 'vitest';
import { blank, joined, missing, moved, parted, snippet, stateOf, type Definition } from '$lib/slots';

const vip = { segment: 'vip', show: { template: 'a' } };
const late = { segment: 'late', show: 'nothing' as const };
const usual = { show: { products: { method: 'popular' as const, limit: 4 } } };
const of = (variants: Definition['variants']): Definition => ({ variants, holdout_percent: 0 });

describe('slots', () => {
	it('part those chosen for from everybody else, and join them with everybody else last', () => {
		const definition = of([vip, late, usual]);
		expect(parted(definition)).toEqual({ chosen: [vip, late], usual });
		expect(joined(definition, [late], usual).variants).toEqual([late, usual]);
		expect(joined(definition, [late], undefined).variants).toEqual([late]);
	});
	it('move a variant within its list only', () => {
		expect(moved([1, 2, 3], 2, -1)).toEqual([1, 3, 2]);
		expect(moved([1, 2, 3], 0, -1)).toEqual([1, 2, 3]);
		expect(moved([1, 2, 3], 2, 1)).toEqual([1, 2, 3]);
	});
	it('say what a draft lacks', () => {
		expect(missing(' ', of([vip]))).toBe('name');
		expect(missing('Hero', of([]))).toBe('variants');
		expect(missing('Hero', blank())).toBe('segment');
		expect(missing('Hero', of([{ segment: 'vip', show: { template: '' } }]))).toBe('template');
		expect(missing('Hero', of([vip, late, usual]))).toBe('');
	});
	it('are quiet when no page asks', () => {
		expect([stateOf({ archived_at: null, views: 0 }), stateOf({ archived_at: null, views: 2 }), stateOf({ archived_at: 'x', views: 2 })]).toEqual(['quiet', 'asked', 'archived']);
	});
	it('give a snippet with the script and the place', () => {
		const text = snippet('https://crm.example', 'hero');
		expect(text).toContain('src="https://crm.example/slots.js"');
		expect(text).toContain('data-rapport-slot="hero"');
	});
});
