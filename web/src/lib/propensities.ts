// Propensities: what the pages need of them. Pure: words come from the caller.
import type { components } from './api/schema';
import type { Condition } from './conditions';
import type { Tree } from './condition-tree';
import type { Key } from './i18n/index.svelte';
import { segmentUrl } from './tiers';

type Schemas = components['schemas'];
export type Propensity = Schemas['Propensity'];
export type Settings = Schemas['PropensitySettings'];
export type Label = Schemas['PropensityLabel'];
export type Kind = Label['kind'];

export const KINDS: readonly Kind[] = ['purchase', 'category', 'event', 'condition'];

type Say = (key: Key, params?: Record<string, string | number>) => string;

/** What is foretold, in the reader's words, after "Who". */
export function what(settings: Pick<Settings, 'label' | 'horizon_weeks'>, say: Say, condition: (tree: Tree) => string): string {
	const { label, horizon_weeks: weeks } = settings;
	const n = weeks ?? 4;
	switch (label.kind) {
		case 'purchase':
			return say('propensity.what.purchase', { n });
		case 'category':
			return say('propensity.what.category', { n, name: label.category });
		case 'event':
			return say(label.where ? 'propensity.what.event_where' : 'propensity.what.event', { n, name: label.event });
		case 'condition':
			return say('propensity.what.condition', { n, condition: condition(label.condition as unknown as Tree) });
	}
}

/** The key of a propensity, by the name of its model. */
export const keyOf = (model: string): string => model.replace(/^propensity\./, '');

/** Where a segment of everybody with at least this chance is made. */
export const segmentOf = (fact: string, from: number): string => segmentUrl({ fact: { key: fact, op: 'at_least', value: Math.round(from * 100) / 100 } });

/** What staff fill in, until it is sent. */
export interface Draft {
	name: string;
	kind: Kind;
	category: string;
	event: string;
	where: Condition | null;
	condition: Tree | null;
	audience: Tree | null;
	horizon: number;
	active: number;
	fitDays: number;
	hours: number;
}

export function draftOf(settings?: Settings): Draft {
	const label: Label = settings?.label ?? { kind: 'purchase' };
	return {
		name: settings?.name ?? '',
		kind: label.kind,
		category: label.kind === 'category' ? label.category : '',
		event: label.kind === 'event' ? label.event : '',
		where: label.kind === 'event' ? ((label.where ?? null) as Condition | null) : null,
		condition: label.kind === 'condition' ? (label.condition as unknown as Tree) : null,
		audience: (settings?.audience ?? null) as Tree | null,
		horizon: settings?.horizon_weeks ?? 4,
		active: settings?.active_weeks ?? 52,
		fitDays: settings?.fit_days ?? 7,
		hours: settings?.score_hours ?? 24
	};
}

/** Whether everything that is asked for is there. */
export function isReady(draft: Draft): boolean {
	if (!draft.name.trim()) return false;
	if (draft.kind === 'category') return draft.category.trim() !== '';
	if (draft.kind === 'event') return draft.event.trim() !== '';
	return draft.kind !== 'condition' || draft.condition !== null;
}

function labelOf(draft: Draft): Label {
	switch (draft.kind) {
		case 'category':
			return { kind: 'category', category: draft.category.trim() };
		case 'event':
			return { kind: 'event', event: draft.event.trim(), ...(draft.where ? { where: draft.where as unknown as Record<string, never> } : {}) };
		case 'condition':
			return { kind: 'condition', condition: draft.condition as unknown as Record<string, never> };
		default:
			return { kind: 'purchase' };
	}
}

/** As it is sent. */
export function settingsOf(draft: Draft): Settings {
	return { name: draft.name.trim(), label: labelOf(draft), horizon_weeks: draft.horizon, audience: draft.audience as Settings['audience'], active_weeks: draft.active, fit_days: draft.fitDays, score_hours: draft.hours };
}
