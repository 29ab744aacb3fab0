// Ladders, needs and benefits as sentences in the reader's language.
import { f, t, term } from '$lib/i18n/index.svelte';
import { sayCondition } from './segments';
import type { Benefit, Ladder, Measure, Need, Needs, Period } from './tiers';

/** An amount of what a ladder counts: money of what is spent, a plain number of all else. */
export function sayAmount(measure: Measure | undefined, amount: string | number, currency: string): string {
	if (measure?.counts.kind === 'spent') return f.money(amount, currency).replace(/[.,]00(?=\D*$)/, '');
	return f.plain(Number(amount));
}

function sayOne(need: Need, ladder: Ladder, currency: string): string {
	const measure = ladder.measures.find((it) => it.key === need.measure);
	const name = measure?.name || need.measure;
	if (measure?.counts.kind === 'condition') return name;
	return t('tiers.need', { name, amount: sayAmount(measure, need.at_least ?? 1, currency) });
}

/** What a tier needs; empty when nothing. */
export function sayNeeds(needs: Needs | null | undefined, ladder: Ladder, currency: string): string {
	if (!needs) return '';
	if ('measure' in needs) return sayOne(needs, ladder, currency);
	const [list, join] = 'any' in needs ? [needs.any, t('tiers.or')] : [needs.all, t('tiers.and')];
	const said = list.map((it) => ('measure' in it ? sayNeeds(it, ladder, currency) : list.length > 1 ? `(${sayNeeds(it, ladder, currency)})` : sayNeeds(it, ladder, currency)));
	return said.filter(Boolean).join(join);
}

/** In which time things count. */
export function sayPeriod(period: Period | undefined): string {
	if (!period || period.kind === 'ever') return t('tiers.period.ever.say');
	if (period.kind === 'calendar') return t('tiers.period.calendar.say', { n: period.months });
	const length = t(`tiers.length.${period.unit}`, { n: period.count });
	return t(period.kind === 'rolling' ? 'tiers.period.rolling.say' : 'tiers.period.anniversary.say', { length });
}

/** How often a benefit can be used, and what a use costs. */
export function sayBenefit(benefit: Benefit, currency: string): string {
	const times = benefit.times ? t('tiers.benefit.times', { n: benefit.times.most, every: t(`loyalty.every.${benefit.times.every}`) }) : t('tiers.benefit.always');
	return benefit.cost != null && Number(benefit.cost) > 0 ? `${times}, ${t('tiers.benefit.each', { cost: f.money(benefit.cost, currency) })}` : times;
}

/** What else must hold of who has a benefit; empty when nothing must. */
export const sayEligible = ({ when }: Benefit): string => (!when || ('all' in when && !when.with && when.all.length === 0) ? '' : sayCondition(when));

export const sayKind = (kind: string): string => term('tiers.kind', kind);
export const sayMoveWhy = (why: string): string => term('tiers.why', why);
