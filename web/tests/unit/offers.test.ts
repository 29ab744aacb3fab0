import { describe, expect, it } from 'vitest';
import { joined, names, pairs, questionOf, type Answer, type Rule } from '$lib/baskets';
import { because, cart, namesOf, type Product, type Trial } from '$lib/offers';
import { colours, graphOptions, type GraphWords } from '$lib/components/chart/graphOptions';
import { hold, verdict } from '$lib/models';
import { models } from '$lib/i18n/en/models';
import { fill } from '$lib/i18n/fill';

const say = (key: string, params: Record<string, string | number> = {}) => fill((models as Record<string, string>)[key] ?? key, params, 'en-GB');
const figure = { number: (value: number, digits = 0) => value.toFixed(digits), percent: (value: number) => `${Math.round(100 * value)}%` };
const HOSTILE = '<img src=x onerror=alert(1)>';

const product = (id: string, why: string, of: string | null = null, filled = false) => ({ id, name: id === 'b' ? HOSTILE : null, because: why, because_of: of, is_filled: filled, reasons: [] }) as unknown as Product;
const own = [{ id: 'a', name: 'Mug', category: null, viewed_at: '2026-01-01', bought_at: '2026-01-02' }, { id: 'v', name: 'Lamp', category: null, viewed_at: '2026-01-01', bought_at: null }];
const trial = { person_id: '1', is_restricted: false, own, ways: [{ method: 'for_person', offers: { products: [product('b', 'like', 'a')] } }] } as unknown as Trial;

describe('offers', () => {
	it('say why: what was bought, what was looked at, or what is simply popular', () => {
		const known = namesOf(trial);
		const why = (it: Product) => because(it, own, known, say as never);
		expect(why(product('b', 'like', 'a'))).toBe('Because they bought Mug');
		expect(why(product('b', 'like', 'v'))).toBe('Because they looked at Lamp');
		expect(why(product('b', 'like', 'x'))).toBe('Like x');
		expect(why(product('b', 'bought_with', 'b'))).toBe(`Bought together with ${HOSTILE}`);
		expect(why(product('b', 'dearer', 'a'))).toBe('A dearer one than Mug');
		expect([why(product('b', 'popular')), why(product('b', 'popular', null, true))]).toEqual(['Many buy it', 'Filled up: many buy it']);
		expect(why(product('b', 'something new'))).toContain('all in all');
		expect(cart(trial).map((it) => it.id)).toEqual(['a', 'v']);
	});

	it('have sentences of their own for what is held and what cannot be learnt', () => {
		expect(verdict({ code: 'too_few_people', have: 12, need: 100, text: '' }, say as never, true)).toContain('12 had to do with products');
		expect(verdict({ code: 'too_few_taken', have: 3, need: 30, text: '' }, say as never, true)).toContain('3 of those');
		expect(verdict({ code: 'moon', have: 0, need: 0, text: 'The moon.' }, say as never, true)).toBe('The moon.');
		expect(hold({ code: 'offers_worse', before: 0, now: -0.02, text: '' }, say as never, figure)).toContain('lower by 0.020');
		expect(hold({ code: 'items_missing', before: 100, now: 70, text: '' }, say as never, figure)).toContain('70 products');
	});
});

const rule = (first: string[], second: string, low: number, q = 0.001) => ({ first, second, lift: low * 1.2, lift_low: low, lift_high: low * 1.5, both: 9, q }) as unknown as Rule;
const answer = {
	rules: [rule(['a'], 'b', 4), rule(['b'], 'a', 4), rule(['a', 'c'], 'b', 3), rule(['c'], 'a', 2), rule(['c'], 'b', 1.5, 0.4), rule(['d'], 'a', 0.9)],
	items: [{ id: 'a', name: 'Mug', category: 'Z', baskets: 40 }, { id: 'b', name: HOSTILE, category: 'A', baskets: 10 }, { id: 'c', name: null, category: 'A', baskets: 20 }, { id: 'd', name: 'Bag', category: 'A', baskets: 5 }]
} as unknown as Answer;

describe('baskets', () => {
	it('read the question from the address and trust nothing in it', () => {
		expect(questionOf(new URLSearchParams(''))).toEqual({ period: { last: '365d' }, of: 'product' });
		expect(questionOf(new URLSearchParams('of=category&support=0.01&confidence=0.3&longest=2&item=x&period=%7B%22all%22%3Atrue%7D'))).toEqual({ period: { all: true }, of: 'category', support: '0.01', confidence: '0.3', longest: 2, item: 'x' });
		expect(questionOf(new URLSearchParams("of=person&support=1e-9&confidence=';--&longest=99&period=%7B"))).toEqual({ period: { last: '365d' }, of: 'product' });
	});

	it('join pairs that are surely more than chance, once each', () => {
		const lines = pairs(answer);
		expect(lines.map((it) => [it.one, it.other])).toEqual([['a', 'b'], ['a', 'c']]);
		expect(joined(answer, lines).map((it) => it.id)).toEqual(['b', 'c', 'a']);
		expect([names(answer)('c'), names(answer)('b'), names(answer)('?')]).toEqual(['c', HOSTILE, '?']);
	});

	it('show hostile names as text in the network', () => {
		const palette = { series: ['#1', '#2'], text: [], ink: '#0', ink3: '#3', grid: '', line: '', surface: '', font: '' };
		const words: GraphWords = { name: (id) => id, item: (item) => `${item.name}`, pair: () => HOSTILE, narrow: false };
		const lines = pairs(answer);
		const options = graphOptions(joined(answer, lines), lines, palette, words, 'x') as { tooltip: { formatter: (at: unknown) => string }; series: { data: { symbolSize: number }[] }[] };
		expect(options.tooltip.formatter({ data: { item: answer.items[1] } })).toBe('&lt;img src=x onerror=alert(1)&gt;');
		expect(options.tooltip.formatter({ data: { pair: lines[0] } })).not.toContain('<');
		expect(options.series[0]!.data.every((it) => it.symbolSize >= 6 && it.symbolSize <= 20)).toBe(true);
		expect(colours(answer.items, palette).get('Z')).toBe('#1');
	});
});
