// What can be said of the effect of a rule or an offer, in plain sentences: also that it cannot be told yet.
import { f, t } from '$lib/i18n/index.svelte';
import type { CampaignEffect } from './api/loyalty';
import type { Range } from './loyalty-trials';

/** What was brought in of `conversion`, `orders` or `revenue`; null where it cannot be said. */
export function metricRange(effect: CampaignEffect, metric: string): Range | null {
	const found = effect.holdout?.metrics.find((it) => it.metric.key === metric);
	if (found?.estimate == null || found.low == null || found.high == null) return null;
	return { estimate: found.estimate, low: found.low, high: found.high };
}

/** An estimate in whole units of the currency: cents would pretend to know more. */
export const wholeMoney = (n: number, currency: string): string => f.money(Math.abs(n).toFixed(0), currency, true).replace(/[.,]00(?=\D*$)/, '');

const amount = (effect: CampaignEffect, n: number) => `${n < 0 ? '−' : ''}${wholeMoney(n, effect.currency)}`;
const ends = (effect: CampaignEffect, range: Range) => ({ estimate: amount(effect, range.estimate), low: amount(effect, range.low), high: amount(effect, range.high) });

export function sayEffect(effect: CampaignEffect, name: string): string {
	const { verdict, holdout } = effect;
	const net = effect.net ?? null;
	const revenue = metricRange(effect, 'revenue');
	switch (verdict) {
		case 'nobody_held_out':
			return t('works.say.nobody_held_out', { rule: name });
		case 'too_few':
			return t('works.say.too_few', { rule: name, held_out: holdout?.held_out ?? 0, treated: holdout?.treated ?? 0 });
		case 'pays':
		case 'does_not_pay':
			return net ? t(`works.say.${verdict}`, { rule: name, ...ends(effect, net) }) : '';
		case 'brings_in':
		case 'harms':
			return revenue ? t(`works.say.${verdict}`, { rule: name, ...ends(effect, revenue) }) : '';
		default:
			if (net) return t('works.say.unclear_net', { rule: name, ...ends(effect, net) });
			return revenue ? t('works.say.unclear', { rule: name, ...ends(effect, revenue) }) : t('works.say.unclear_no_range', { rule: name });
	}
}
