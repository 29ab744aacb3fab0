import { describe, expect, it } from 'vitest';
import { bubbles, held, indexBar, inGroup, measured, measureName, noGroups, steady, traitWords, type GroupModel, type GroupVersion, type Trait } from '$lib/groups';
import { isBusy } from '$lib/models';
import { models } from '$lib/i18n/en/models';
import { fill } from '$lib/i18n/fill';

const say = ((key: string, params: Record<string, string | number> = {}) => fill((models as Record<string, string>)[key] ?? key, params, 'en-GB')) as never;
const write = { number: (value: number, digits = 0) => value.toFixed(digits), percent: (value: number) => `${Math.round(100 * value)}%`, money: (value: number) => `€${value}` };
const trait = (key: string, value: number, overall: number): Trait => ({ key, value, overall, over_index: (100 * value) / overall, effect: 1, q: null, text: 'As the server says it.' });

describe('groups', () => {
	it('says what sets a group apart in words, with names as they are', () => {
		expect(traitWords(trait('recency', 12.4, 84), say, write)).toBe('Bought last 12 days ago; all 84');
		expect(traitWords(trait('category:A: B', 0.61, 0.2), say, write)).toBe('61% of what they buy is A: B; of all 20%');
		expect(traitWords(trait('market:SE', 0.5, 0.25), say, write)).toBe('50% are in SE; of all 25%');
		expect(traitWords(trait('moon', 1, 1), say, write)).toBe('As the server says it.');
		expect([measureName('category:Shoes', say), measureName('average', say), measureName('moon', say)]).toEqual(['Shoes', 'Spent a purchase', 'moon']);
		expect([measured('purchases', 2.26, write), measured('average', 40, write), measured('reduced', 0.5, write), measured('cycle', 30.4, write)]).toEqual(['2.3', '€40', '50%', '30']);
	});

	it('draws twice as usual as long as half of it', () => {
		expect([indexBar(200), indexBar(50), indexBar(100), indexBar(4_000), indexBar(0), indexBar(null)]).toEqual([0.5, -0.5, 0, 1, -1, 0]);
	});

	it('says why there are no groups, and why a version waits', () => {
		expect(noGroups({ code: 'groups_not_stable', have: 58, need: 75, text: '' }, say)).toContain('came again by 58%, where it takes 75%');
		expect(noGroups({ code: 'new', have: 0, need: 0, text: 'Something else.' }, say)).toBe('Something else.');
		expect(held({ code: 'people_move', before: 1, now: 0.38, text: '' }, say, write)).toContain('Only 38% of the people');
		expect(held({ code: 'new', before: 1, now: 0, text: 'Else.' }, say, write)).toBe('Else.');
	});

	it('knows how steady a group is, who is in it, and when to ask again', () => {
		expect([steady(0.85), steady(0.75), steady(0.74)]).toEqual(['surely', 'enough', 'not']);
		expect(inGroup(3)).toEqual({ fact: { key: 'group.number', op: 'equals', value: 3 } });
		const model = (fit: string, scoring: string) => ({ fit: { state: fit }, scoring: { state: scoring } }) as unknown as GroupModel;
		expect([isBusy(model('done', 'done')), isBusy(model('queued', 'done')), isBusy(model('done', 'running'))]).toEqual([false, true, true]);
	});

	it('puts the middles into the picture, the larger group in the larger circle', () => {
		const figures = (recency: number, average: number) => [{ key: 'recency', value: recency, low: recency / 2, high: recency * 2, overall: 1 }, { key: 'average', value: average, low: average / 2, high: average * 2, overall: 1 }];
		const version = { axes: ['recency', 'average'], groups: [{ number: 1, name: 'A', figures: figures(10, 20) }, { number: 2, name: 'B', figures: figures(100, 20) }, { number: 3, name: 'C', figures: [] }] } as unknown as GroupVersion;
		const found = bubbles(version, [400, 300], (number) => (number === 1 ? 400 : 100));
		expect(found.map((it) => it.number)).toEqual([1, 2]);
		expect(found[0]!.x).toBeLessThan(found[1]!.x);
		expect(found[0]!.y).toBeCloseTo(found[1]!.y);
		expect(found[0]!.r - 6).toBeCloseTo(2 * (found[1]!.r - 6));
		for (const it of found) expect([it.left <= it.x, it.x <= it.right, it.top <= it.y, it.y <= it.bottom, it.left >= 0, it.right <= 400, it.top >= 0, it.bottom <= 300].every(Boolean)).toBe(true);
		expect(bubbles({ ...version, axes: ['', ''] }, [400, 300], () => 1)).toEqual([]);
	});
});
