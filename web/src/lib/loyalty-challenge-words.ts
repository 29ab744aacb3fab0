// Challenges as sentences, in the reader's language.
import { f, t, type Key } from './i18n/index.svelte';
import type { Program } from './loyalty';
import { unitOf, type Challenge, type ChallengeStep, type Counts } from './loyalty-challenges';
import { amountIn, sayItems } from './loyalty-words';

/** How much of what is counted: 5 times, 12 units, €50, 7 days in a row. */
export function sayAmount(counts: Counts, amount: number | string, plan: Program): string {
	const n = Number(amount);
	switch (counts.kind) {
		case 'amount':
			return f.money(n, plan.currency).replace(/[.,]00(?=\D*$)/, '');
		case 'in_a_row':
			return t(`challenges.row.${counts.unit}`, { n });
		case 'distinct':
			return t('challenges.distinct', { n, property: counts.property || '…' });
		default:
			return t(`challenges.count.${counts.kind}`, { n });
	}
}

/** What a step gives. */
export function sayStepGives(step: ChallengeStep, plan: Program, badgeName: (key: string) => string): string {
	const parts = [step.points != null && step.points > 0 ? amountIn(unitOf(plan, step.wallet), step.points) : '', step.badge ? t('challenges.the_badge', { name: badgeName(step.badge) }) : ''];
	return parts.filter(Boolean).join(t('list.and')) || t('challenges.gives_nothing');
}

export const sayPeriod = ({ period }: Challenge): string => (period?.kind === 'rolling' ? t('challenges.within.rolling', { n: period.days }) : t(`challenges.within.${period?.kind ?? 'ever'}` as Key));
export const sayRecurrence = ({ recurrence }: Challenge): string => (recurrence?.kind === 'times' ? t('challenges.again.times_n', { n: recurrence.count }) : recurrence?.kind === 'always' ? t('challenges.again.always_say') : '');

/** What is to be done, and what comes of it: "Order Completed 3 times in a month: 20 points; 5 times: 50 points". */
export function sayChallenge(challenge: Challenge, plan: Program, badgeName: (key: string) => string): string {
	const { counts, steps, event, items } = challenge;
	const each = steps.map((step) => t('challenges.say.step', { amount: sayAmount(counts, step.target, plan), gives: sayStepGives(step, plan, badgeName) }));
	const what = items ? t('challenges.say.items', { event, what: sayItems(items) }) : event || '…';
	return [t('challenges.say', { what, period: sayPeriod(challenge), steps: each.join(t('challenges.say.then')) }), sayRecurrence(challenge)].filter(Boolean).join(t('list.and'));
}
