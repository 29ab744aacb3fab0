// Who speaks for the company, and the way to a brand, as pages show them.
import type { components } from '$lib/api/schema';
import type { Definition } from './surveys';
import { questionsOf } from './surveys';

type Schemas = components['schemas'];
export type Advocacy = Schemas['Advocacy'];
export type AdvocacyKind = Schemas['AdvocacyKind'];
export type AdvocacyFigure = Schemas['AdvocacyFigure'];
export type AdvocacyCounts = Schemas['AdvocacyCounts'];
export type Advocate = Schemas['AdvocateShape'];
export type CustomerAdvocacy = Schemas['CustomerAdvocacy'];
export type BrandFunnel = Schemas['BrandFunnel'];
export type BrandStep = Schemas['BrandStep'];
export type BrandPart = Schemas['BrandPart'];
type Change = Schemas['ChangeShape'];

export const KINDS = ['recommendation', 'review', 'mention', 'referral'] as const;
export type Kind = (typeof KINDS)[number];
/** Of so many findings at most one in twenty is to be false. */
const FALSE_SHARE = 0.05;

/** Which way something changed; null where that may be chance. */
export function changed(change: Change | null | undefined): 'up' | 'down' | null {
	if (!change || change.q > FALSE_SHARE) return null;
	return change.low > 0 ? 'up' : change.high < 0 ? 'down' : null;
}

/** Periods of a trend that fit a time. */
export const intervalOf = (period: string): 'day' | 'week' | 'month' => (period === '7d' || period === '30d' ? 'day' : period === '365d' ? 'month' : 'week');

export const total = (acts: AdvocacyCounts): number => KINDS.reduce((sum, kind) => sum + acts[kind], 0);

/** The questions that are steps of the way to a brand where a survey has them. */
export const BRAND_STEPS = ['aided', 'familiar', 'considered', 'bought', 'preferred', 'recommended'] as const;

/** Whether a survey asks about the way to a brand. */
export function asksBrand(definition: Definition): boolean {
	const steps = questionsOf(definition).filter((it) => (BRAND_STEPS as readonly string[]).includes(it.key) && (it.answer.kind === 'single' || it.answer.kind === 'multiple'));
	return steps.length > 1;
}
