// Policies as the pages work on them: a design as a draft, its arms over time, and where intervals lie on an axis that they share. All of it pure.
import type { components } from '$lib/api/schema';
import type { IconName } from '$lib/icons';

type Schemas = components['schemas'];
export type PolicySummary = Schemas['PolicySummary'];
export type PolicyPage = Omit<Schemas['PolicyDetail'], 'design'> & { design: PolicyDesign };
export type PolicyReadout = Schemas['PolicyReadout'];
export type PolicyJudged = Schemas['PolicyJudged'];
export type PolicyEstimate = Schemas['PolicyEstimate'];

export const KINDS = ['bandit', 'contextual', 'uplift'] as const;
export type PolicyKind = (typeof KINDS)[number];
export const DECIDES = ['way', 'frequency'] as const;
export type Decides = (typeof DECIDES)[number];
export const STATES = ['running', 'paused', 'fixed'] as const;
export type PolicyState = (typeof STATES)[number];
export const STATE_TONES: Record<PolicyState, string> = { running: 'good', paused: '', fixed: 'on' };
export const STATE_ICONS: Record<PolicyState, IconName> = { running: 'play', paused: 'clock', fixed: 'check' };

export interface PolicyArm {
	key: string;
	name?: string;
	cost?: number;
	cap?: { most: number; hours: number };
}
export interface PolicyDesign {
	name: string;
	kind: PolicyKind;
	decides: Decides;
	arms: PolicyArm[];
	reward: { metric: string; is_share?: boolean; hours: number; worth?: number; costs?: { event: string; cost: number }[] };
	floor?: number;
	memory?: number;
	features?: string[];
	experiment?: string;
}

const WEEK = 7 * 24;
/** Arms to begin with: of ways two that are still to be named, of how often some usual caps. */
export function blankArms(decides: Decides): PolicyArm[] {
	if (decides === 'way') return [{ key: '', cost: 0 }, { key: '', cost: 0 }];
	return [{ key: 'as-usual', cap: { most: 4, hours: WEEK } }, { key: 'weekly', cap: { most: 1, hours: WEEK } }, { key: 'monthly', cap: { most: 1, hours: 4 * WEEK } }, { key: 'never', cap: { most: 0, hours: WEEK } }];
}
/** A policy to begin with. */
export function blank(decides: Decides = 'way'): PolicyDesign {
	const hours = decides === 'way' ? WEEK : 4 * WEEK;
	const costs = decides === 'way' ? [] : [{ event: 'Message Unsubscribed', cost: 1 }];
	return { name: '', kind: 'bandit', decides, arms: blankArms(decides), reward: { metric: 'conversion', hours, worth: 1, costs }, floor: 0.05, memory: 1 };
}
/** The same as another kind, with what that kind has. */
export function rekinded(design: PolicyDesign, kind: PolicyKind): PolicyDesign {
	const { experiment, features, ...rest } = design;
	const arms = kind === 'uplift' ? design.arms.slice(0, 2) : design.arms;
	return { ...rest, kind, arms, ...(kind === 'bandit' ? {} : { features: features ?? [] }), ...(kind === 'uplift' ? { experiment: experiment ?? '' } : {}) };
}

/** What keeps a draft from being saved, as a word; empty when nothing does. */
export function missing(design: PolicyDesign): '' | 'name' | 'arms' | 'metric' | 'features' | 'experiment' {
	if (!design.name.trim()) return 'name';
	const keys = design.arms.map((arm) => arm.key.trim());
	if (keys.length < 2 || keys.some((key) => !key) || new Set(keys).size < keys.length) return 'arms';
	if (!design.reward.metric) return 'metric';
	if (design.kind !== 'bandit' && (design.features ?? []).length === 0) return 'features';
	if (design.kind === 'uplift' && !design.experiment) return 'experiment';
	return '';
}

/** The share of each arm's decisions on each day, from the first day to the last; a day without any has none. */
export function shareByDay(days: PolicyReadout['days'], arms: string[]): { days: string[]; shares: (number | null)[][] } {
	const first = days[0]?.day.slice(0, 10);
	const last = days.at(-1)?.day.slice(0, 10);
	if (!first || !last) return { days: [], shares: arms.map(() => []) };
	const all: string[] = [];
	for (let at = Date.parse(`${first}T12:00:00Z`); at <= Date.parse(`${last}T12:00:00Z`); at += 86_400_000) all.push(new Date(at).toISOString().slice(0, 10));
	const count = new Map(days.map((it) => [`${it.day.slice(0, 10)} ${it.arm}`, it.decisions]));
	const sums = all.map((day) => arms.reduce((sum, arm) => sum + (count.get(`${day} ${arm}`) ?? 0), 0));
	return { days: all, shares: arms.map((arm) => all.map((day, at) => (sums[at] ? (count.get(`${day} ${arm}`) ?? 0) / sums[at] : null))) };
}

/** From where to where an axis goes that holds all of these. */
export function axisOf(estimates: PolicyEstimate[]): { from: number; to: number } {
	const from = Math.min(0, ...estimates.map((it) => it.low));
	const to = Math.max(...estimates.map((it) => it.high), from);
	return to > from ? { from, to } : { from, to: from + 1 };
}
/** Where a value lies on it, 0 to 100. */
export const placeOn = (axis: { from: number; to: number }, value: number): number => Math.max(0, Math.min(100, (100 * (value - axis.from)) / (axis.to - axis.from)));

/** The arm that surely brings more than all others: its interval begins above the end of theirs. None where that cannot be said. */
export function bestArm(judged: PolicyJudged[]): string | null {
	const arms = judged.filter((it) => it.policy === 'always' && it.value);
	const best = arms.toSorted((a, b) => b.value!.value - a.value!.value)[0];
	if (!best || arms.length < 2 || arms.length < judged.filter((it) => it.policy === 'always').length) return null;
	return arms.every((it) => it === best || it.value!.high < best.value!.low) ? best.arm! : null;
}

/** What a decision was for, in its parts. */
export function subjectOf(subject: string): { kind: 'journey' | 'slot' | 'frequency'; key: string; node: string } {
	const [kind, rest = ''] = [subject.split(':')[0], subject.slice(subject.indexOf(':') + 1)];
	if (kind === 'journey') return { kind, key: rest.split('/')[0], node: rest.split('/').slice(1).join('/') };
	return kind === 'slot' ? { kind, key: rest, node: '' } : { kind: 'frequency', key: '', node: '' };
}
