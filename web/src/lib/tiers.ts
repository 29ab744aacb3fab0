// Ladders of tiers as staff write them, and what the pages reckon with them. Pure: nothing here knows about the screen.
import { toDraft, unfinished, type Tree } from './condition-tree';
import { isDecimal, keyOf, type Every, type LengthUnit } from './loyalty';

export type Counted = { kind: 'points'; wallet?: string | null } | { kind: 'spent' } | { kind: 'orders' } | { kind: 'events'; event: string; when?: Tree; property?: string | null } | { kind: 'condition'; when: Tree };
export interface Measure { key: string; name: string; counts: Counted }
export type Need = { measure: string; at_least?: string | number };
export type Needs = Need | { any: Needs[] } | { all: Needs[] };
export type Period =
	| { kind: 'ever' }
	| { kind: 'calendar'; months: number; begins?: [number, number] }
	| { kind: 'rolling'; count: number; unit: LengthUnit }
	| { kind: 'anniversary'; count: number; unit: LengthUnit; of?: 'enrolment' | 'tier' };
export interface Tier { key: string; name: string; needs?: Needs; for_life?: Needs | null; never_below?: boolean }
export const BENEFIT_KINDS = ['service', 'access', 'discount', 'early_access', 'content', 'charity'] as const;
export interface Benefit { key: string; name: string; kind: string; words?: string; tiers: string[]; when?: Tree; times?: { most: number; every: Every } | null; cost?: string | number | null }
/** What the console does not know of a ladder it keeps as it is. */
export interface Ladder {
	key: string;
	name: string;
	measures: Measure[];
	period?: Period;
	grace?: { count: number; unit: LengthUnit } | null;
	downgrade?: 'reassess' | 'one_level' | 'never';
	tiers: Tier[];
	benefits?: Benefit[];
	ended?: boolean;
	[other: string]: unknown;
}

const isOne = (needs: Needs): needs is Need => 'measure' in needs;
const parts = (needs: Needs): Needs[] => (isOne(needs) ? [] : 'any' in needs ? needs.any : needs.all);

/** Every threshold of what a tier needs, in the order in which it is written. */
export function thresholds(needs: Needs | undefined): Need[] {
	if (!needs) return [];
	return isOne(needs) ? [needs] : parts(needs).flatMap(thresholds);
}

/** The same needs with another threshold at one place of that order. */
export function withThreshold(needs: Needs, at: number, amount: string): Needs {
	let seen = -1;
	const put = (one: Needs): Needs => {
		if (isOne(one)) return ++seen === at ? { ...one, at_least: amount } : one;
		return 'any' in one ? { any: one.any.map(put) } : { all: one.all.map(put) };
	};
	return put(needs);
}

/** Three tiers by what is spent in a calendar year; `hundredfold` where a currency has no smaller unit (yen), so that they mean about the same. */
export function firstLadder(name: string, spent: string, tiers: [string, string, string], hundredfold: boolean): Ladder {
	const needs = (amount: number): Need => ({ measure: 'spent', at_least: String(hundredfold ? amount * 100 : amount) });
	return {
		key: 'club', name,
		measures: [{ key: 'spent', name: spent, counts: { kind: 'spent' } }],
		period: { kind: 'calendar', months: 12 },
		downgrade: 'one_level',
		tiers: [{ key: 'bronze', name: tiers[0] }, { key: 'silver', name: tiers[1], needs: needs(250) }, { key: 'gold', name: tiers[2], needs: needs(1000) }],
		benefits: []
	};
}

/** Another tier above the highest, which needs twice as much. */
export function withTier(ladder: Ladder, name: string): Ladder {
	const top = ladder.tiers.at(-1)!;
	const needs = top.needs && thresholds(top.needs).length ? thresholds(top.needs).reduce((all, one, at) => withThreshold(all, at, String(Number(one.at_least ?? 1) * 2)), top.needs) : { measure: ladder.measures[0].key, at_least: '1' };
	let number = ladder.tiers.length + 1;
	while (ladder.tiers.some((it) => it.key === `tier-${number}`)) number += 1;
	return { ...ladder, tiers: [...ladder.tiers, { key: `tier-${number}`, name, needs }] };
}

export type Lack = '' | 'name' | 'amount' | 'order';
/** What lacks of a ladder before it can be tried: names, thresholds that are numbers, and none that is lower than the tier's below of the same measure. */
export function lacks(ladder: Ladder): Lack {
	if (!ladder.name.trim() || ladder.tiers.some((it) => !it.name.trim())) return 'name';
	const all = ladder.tiers.map((it) => thresholds(it.needs));
	if (all.flat().some((it) => !/^\d{1,12}([.]\d{1,6})?$/.test(String(it.at_least ?? 1)))) return 'amount';
	// Only tiers that need one thing can be told apart so simply; of the others the server and the "what if" say what comes.
	const single = all.map((needs) => (needs.length === 1 ? needs[0] : null));
	for (let at = 1; at < single.length; at += 1) {
		const [below, own] = [single[at - 1], single[at]];
		if (below && own && below.measure === own.measure && Number(own.at_least ?? 1) <= Number(below.at_least ?? 1)) return 'order';
	}
	return '';
}

/** The programme's ladders with one put in or replaced. */
export const withLadder = (ladders: Ladder[], ladder: Ladder): Ladder[] => (ladders.some((it) => it.key === ladder.key) ? ladders.map((it) => (it.key === ladder.key ? ladder : it)) : [...ladders, ladder]);

/** A benefit to begin with: of the highest tier, as often as they like. */
export const firstBenefit = (ladder: Ladder): Benefit => ({ key: '', name: '', kind: 'service', words: '', tiers: ladder.tiers.slice(-1).map((it) => it.key), times: null, cost: null });

const BENEFITS_MOST = 50;
export const hasRoom = (ladder: Ladder): boolean => (ladder.benefits?.length ?? 0) < BENEFITS_MOST;

export type BenefitLack = '' | 'name' | 'tiers' | 'times' | 'cost' | 'condition';
/** What lacks of a benefit before it can be saved. */
export function benefitLacks(benefit: Benefit): BenefitLack {
	const { times, cost } = benefit;
	if (!benefit.name.trim()) return 'name';
	if (!benefit.tiers.length) return 'tiers';
	if (times && !(Number.isInteger(times.most) && times.most >= 1 && times.most <= 4_294_967_295)) return 'times';
	if (cost != null && cost !== '' && !isDecimal(String(cost))) return 'cost';
	return benefit.when && unfinished(toDraft(benefit.when).group) > 0 ? 'condition' : '';
}

/** A key that no benefit of the programme has, from its name; from its kind where the name has no Latin letters. */
export function benefitKey(benefit: Benefit, ladders: Ladder[]): string {
	const taken = new Set(ladders.flatMap((it) => it.benefits ?? []).map((it) => it.key));
	const base = keyOf(benefit.name) || benefit.kind;
	let key = base;
	for (let number = 2; taken.has(key); number += 1) key = `${base}-${number}`;
	return key;
}

/** The benefit as it is sent: names on one line, its tiers from the bottom, no cost where none is written. */
export function tidied(benefit: Benefit, ladder: Ladder): Benefit {
	const line = (text: string) => text.trim().replace(/\s+/g, ' ');
	return { ...benefit, name: line(benefit.name), words: (benefit.words ?? '').trim(), tiers: ladder.tiers.map((it) => it.key).filter((key) => benefit.tiers.includes(key)), cost: benefit.cost === '' ? null : benefit.cost };
}

/** The ladder with a benefit put in or replaced. */
export function withBenefit(ladder: Ladder, benefit: Benefit): Ladder {
	const own = ladder.benefits ?? [];
	return { ...ladder, benefits: own.some((it) => it.key === benefit.key) ? own.map((it) => (it.key === benefit.key ? benefit : it)) : [...own, benefit] };
}
export const withoutBenefit = (ladder: Ladder, key: string): Ladder => ({ ...ladder, benefits: (ladder.benefits ?? []).filter((it) => it.key !== key) });

/** How high each step is drawn, in hundredths: the first is a kerb, the last is the whole height. */
export const stepHeight = (at: number, count: number): number => (count === 1 ? 50 : 22 + (78 * at) / (count - 1));

/** How far somebody is with something, in hundredths. */
export const share = (have: string | number, atLeast: string | number): number => (Number(atLeast) > 0 ? Math.min(100, Math.max(0, (100 * Number(have)) / Number(atLeast))) : 100);

type Moved = 'reached' | 'lost' | 'kept';
const EVENTS: Record<Moved, string> = { reached: 'Tier Reached', lost: 'Tier Lost', kept: 'Tier Kept' };
const property = (path: string, value: string) => ({ property: { path, op: 'equals', value } });
/** Who reached, lost or kept a tier since a day, as the condition of a segment. Who lost it carries it as what they come from. */
export const whoMoved = (ladder: string, tier: string, moved: Moved, day: string) => ({ performed: { event: EVENTS[moved], where: { all: [property('ladder', ladder), property(moved === 'lost' ? 'from' : 'tier', tier)] }, within: { from: day } } });
export const whoStands = (ladder: string, tier: string) => ({ fact: { key: `tier.${ladder}`, op: 'equals', value: tier } });
export const segmentUrl = (condition: unknown): string => `/segments/new?condition=${encodeURIComponent(JSON.stringify(condition))}`;
