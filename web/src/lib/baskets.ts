// What is bought together: the question of an address, and the network of an answer. Pure: words come from the caller.
import type { components } from './api/schema';
import type { Period } from './conditions';
import { oneOf, readJson } from './url';

type Schemas = components['schemas'];
export type Answer = Schemas['BasketAnswer'];
export type Rule = Schemas['BasketRule'];
export type Item = Schemas['BasketItem'];
export interface Question {
	period: Period;
	of: 'product' | 'category';
	support?: string;
	confidence?: string;
	longest?: number;
	item?: string;
}

/** Shares of orders to choose from, and how often a rule must hold. */
export const SUPPORTS = ['0.0005', '0.001', '0.002', '0.005', '0.01', '0.02', '0.05'] as const;
export const CONFIDENCES = ['0.02', '0.05', '0.1', '0.2', '0.3', '0.5', '0.8'] as const;
export const USUAL = { confidence: '0.05', longest: 3 };
/** Below this share of chance findings a rule is surely more than chance. */
export const SURE = 0.05;
/** More lines than these nobody can tell apart. */
const LINES = 40;

/** The question that an address stands for; what it says is never trusted. */
export function questionOf(params: URLSearchParams): Question {
	const period = readJson<Period>(params.get('period')) ?? { last: '365d' };
	const known = typeof period === 'object' && ('last' in period || 'all' in period || 'from' in period || 'to' in period);
	const support = params.get('support') ?? '';
	const confidence = params.get('confidence') ?? '';
	const longest = Number(params.get('longest'));
	return {
		period: known ? period : { last: '365d' },
		of: oneOf(params.get('of'), ['product', 'category'] as const, 'product'),
		...(SUPPORTS.includes(support as never) && { support }),
		...(CONFIDENCES.includes(confidence as never) && { confidence }),
		...([2, 3, 4, 5].includes(longest) && { longest }),
		...(params.get('item') && { item: params.get('item')! })
	};
}

export interface Pair {
	one: string;
	other: string;
	rule: Rule;
}

/** Pairs that are surely bought together more often than by chance, the surest first: one of the two directions of each. */
export function pairs(answer: Answer): Pair[] {
	const best = new Map<string, Pair>();
	for (const rule of answer.rules) {
		if (rule.first.length !== 1 || rule.q > SURE || rule.lift_low <= 1) continue;
		const [one, other] = [rule.first[0]!, rule.second].sort();
		const key = JSON.stringify([one, other]);
		if (!best.has(key)) best.set(key, { one: one!, other: other!, rule });
	}
	return [...best.values()].slice(0, LINES);
}

/** The items that pairs join, those of one category beside each other, so that what crosses is seen. */
export function joined(answer: Answer, of: Pair[]): Item[] {
	const used = new Set(of.flatMap((pair) => [pair.one, pair.other]));
	const order = (a: Item, b: Item) => (a.category ?? '').localeCompare(b.category ?? '') || a.id.localeCompare(b.id);
	return answer.items.filter((item) => used.has(item.id)).sort(order);
}

/** What an item is called: its name, else its id. */
export function names(answer: Answer): (id: string) => string {
	const known = new Map(answer.items.map((item) => [item.id, item.name || item.id]));
	return (id) => known.get(id) ?? id;
}
