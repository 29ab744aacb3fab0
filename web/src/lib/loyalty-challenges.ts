// Challenges and badges, as staff write them. Pure: nothing here knows about the screen.
import type { Condition } from './conditions';
import type { Tree } from './condition-tree';
import { digitsOf, type Base, type Program, type RuleState, type Unit, type Window } from './loyalty';

export const STREAK_UNITS = ['days', 'weeks', 'months'] as const;
export type StreakUnit = (typeof STREAK_UNITS)[number];
export type Counts =
	| { kind: 'times' }
	| { kind: 'units' }
	| { kind: 'amount'; base?: Base }
	| { kind: 'in_a_row'; unit: StreakUnit; freezes?: number }
	| { kind: 'distinct'; property: string; of_lines?: boolean };
export const COUNTS = ['times', 'units', 'amount', 'in_a_row', 'distinct'] as const;
export const PERIODS = ['ever', 'day', 'week', 'month', 'quarter', 'year', 'rolling'] as const;
export type Period = { kind: Exclude<(typeof PERIODS)[number], 'rolling'> } | { kind: 'rolling'; days: number };
export type Recurrence = { kind: 'once' } | { kind: 'times'; count: number } | { kind: 'always' };
export const RECURRENCES = ['once', 'times', 'always'] as const;
export interface ChallengeStep { target: string | number; name?: string; points?: number | null; wallet?: string | null; badge?: string | null }
/** What the console does not know of a challenge it keeps as it is. */
export interface Challenge {
	key?: string;
	name: string;
	words?: string;
	picture?: string | null;
	place?: number;
	event: string;
	when?: Tree;
	who?: Tree;
	items?: Condition | null;
	counts: Counts;
	steps: ChallengeStep[];
	period?: Period;
	recurrence?: Recurrence;
	joins?: 'by_doing' | 'opt_in';
	window?: Window;
	rollback?: 'take_back' | 'keep';
}
export interface ChallengeVersion {
	key: string;
	version: number;
	state: RuleState;
	challenge: Challenge;
	text: string;
	in_force_from: string;
	saved_at: string;
	saved_by: string;
	figures?: { members: number; completed: number; steps: { step: number; times: number; points: number }[]; cost?: string | null } | null;
}
export interface Badge { key?: string; name: string; words?: string; picture?: string | null; place?: number; when?: Tree | null }
export interface BadgeVersion { key: string; version: number; state: RuleState; badge: Badge; text?: string | null; holders?: number | null; in_force_from: string; saved_at: string; saved_by: string }

export const MOST_STEPS = 20;

export const firstChallenge = (place: number): Challenge => ({ name: '', words: '', picture: null, place, event: 'Order Completed', when: { all: [] }, who: { all: [] }, items: null, counts: { kind: 'times' }, steps: [{ target: '3', points: 100 }], period: { kind: 'month' }, recurrence: { kind: 'once' }, joins: 'by_doing', window: {}, rollback: 'take_back' });
export const firstBadge = (place: number): Badge => ({ name: '', words: '', picture: null, place, when: null });

/** What is counted, and what it begins with when it is chosen. */
export function countsOf(kind: (typeof COUNTS)[number]): Counts {
	if (kind === 'in_a_row') return { kind, unit: 'days', freezes: 0 };
	if (kind === 'distinct') return { kind, property: 'category', of_lines: true };
	return kind === 'amount' ? { kind, base: { with_tax: true } } : { kind };
}

export type ChallengeLack = '' | 'name' | 'picture' | 'event' | 'property' | 'freezes' | 'target' | 'rising' | 'points' | 'nothing' | 'days' | 'count' | 'window';
const isWithin = (value: number | null | undefined, least: number, most: number) => value != null && Number.isInteger(value) && value >= least && value <= most;
/** A picture is fetched by members' browsers, so only over https. */
export const isPicture = (address: string | null | undefined): boolean => !address || /^https:\/\/[^\s/]+/.test(address);

/** What lacks of a challenge before it can be saved; empty when nothing does. */
export function challengeLacks({ name, picture, event, counts, steps, period, recurrence, window }: Challenge): ChallengeLack {
	if (!name.trim()) return 'name';
	if (!isPicture(picture)) return 'picture';
	if (!event) return 'event';
	if (counts.kind === 'distinct' && !counts.property.trim()) return 'property';
	if (counts.kind === 'in_a_row' && !isWithin(counts.freezes ?? 0, 0, 30)) return 'freezes';
	const targets = steps.map((it) => Number(it.target));
	if (targets.some((it) => !(it > 0) || (counts.kind !== 'amount' && !Number.isInteger(it)))) return 'target';
	if (targets.some((it, at) => at > 0 && it <= targets[at - 1]!)) return 'rising';
	if (steps.some((it) => it.points != null && !isWithin(it.points, 1, 1e12))) return 'points';
	const last = steps.at(-1);
	if (last?.points == null && !last?.badge) return 'nothing';
	if (period?.kind === 'rolling' && !isWithin(period.days, 1, 3660)) return 'days';
	if (recurrence?.kind === 'times' && !isWithin(recurrence.count, 1, 1000)) return 'count';
	return window?.from && window.until && window.until.slice(0, 10) < window.from.slice(0, 10) ? 'window' : '';
}

export const badgeLacks = ({ name, picture }: Badge): '' | 'name' | 'picture' => (!name.trim() ? 'name' : isPicture(picture) ? '' : 'picture');

const line = (text: string) => text.trim().replace(/\s+/g, ' ');
/** The challenge as it is sent: its name on one line, targets as texts, without the key, which is in the address. */
export function tidiedChallenge({ key: _, ...it }: Challenge): Challenge {
	const steps = it.steps.map((step) => ({ ...step, target: String(step.target).trim(), name: line(step.name ?? '') }));
	return { ...it, name: line(it.name), words: it.words?.trim() ?? '', steps };
}
export const tidiedBadge = ({ key: _, ...it }: Badge): Badge => ({ ...it, name: line(it.name), words: it.words?.trim() ?? '' });

/** Once a challenge was live it keeps what it counts, its period and how members join. */
export const isBegun = (saved: ChallengeVersion | undefined): boolean => saved !== undefined && saved.state !== 'draft';

/** Those who completed it, and those who have a badge, as conditions. */
export const whoCompleted = (key: string): Tree => ({ fact: { key: `challenge.${key}.completed`, op: 'at_least', value: 1 } });
export const whoHas = (key: string): Tree => ({ fact: { key: `badge.${key}`, op: 'exists' } });

/** How far along a track of steps an amount is, in hundredths: each step has the same width, whatever it needs. */
export function alongSteps(targets: number[], have: number): number {
	let before = 0;
	for (const [at, target] of targets.entries()) {
		if (have < target) return (100 * (at + Math.max(0, have - before) / (target - before))) / targets.length;
		before = target;
	}
	return 100;
}

export const unitOf = (plan: Program, wallet: string | null | undefined): Unit | undefined => (plan.wallets.find((it) => it.key === wallet) ?? plan.wallets[0])?.unit;
/** What points of a wallet are worth as money; null where nobody said. */
export function worthOf(plan: Program, wallet: string | null | undefined, points: number): number | null {
	const own = plan.wallets.find((it) => it.key === wallet) ?? plan.wallets[0];
	if (!own) return null;
	if (own.unit.kind === 'money') return own.unit.currency === plan.currency ? points * 10 ** -digitsOf(own.unit.currency) : null;
	return own.worth ? points * Number(own.worth) : null;
}
