// Referral programmes and what became of friends as sentences, in the reader's language.
import type { ReferralRow } from './api/loyalty';
import { f, t, words, type Key } from './i18n/index.svelte';
import type { Program, Unit } from './loyalty';
import type { Referral } from './loyalty-referrals';
import { amountIn } from './loyalty-words';

const unitOf = (plan: Program, key: string | null | undefined): Unit | undefined => (plan.wallets.find((it) => it.key === key) ?? plan.wallets[0])?.unit;

/** What both get. */
export function sayGets({ referrer, friend }: Referral, plan: Program): string {
	const parts: string[] = [];
	if (referrer) {
		const unit = unitOf(plan, referrer.wallet);
		const [first, ...later] = referrer.steps.map((step) => ({ n: step.from, points: amountIn(unit, step.points) }));
		const member = t('referrals.gets.member', { what: first?.points ?? '' });
		parts.push(later.length ? t('referrals.gets.steps', { member, steps: later.map((step) => t('referrals.from_friend', step)).join(t('list.and')) }) : member);
	}
	if (friend) parts.push(t('referrals.gets.friend', { what: amountIn(unitOf(plan, friend.wallet), friend.points) }));
	return parts.join(t('referrals.gets.and')) || t('referrals.gets.nothing');
}

/** What the friend must do, and how long it must stand. */
export function sayQualifies({ qualifies, stands_days }: Referral, plan: Program): string {
	const { event, minimum, within_days } = qualifies;
	const what = minimum ? t('referrals.does.minimum', { event, money: f.money(minimum, plan.currency), n: within_days }) : t('referrals.does', { event, n: within_days });
	return stands_days ? `${what}${t('referrals.stands', { n: stands_days })}` : what;
}

const said = (prefix: string, code: string, otherwise: string): string => (words.has(`${prefix}.${code}`) ? t(`${prefix}.${code}` as Key) : otherwise);

/** Why a referral stands as it does; empty where there is nothing to say. */
export const sayReason = ({ reason, reason_words }: Pick<ReferralRow, 'reason' | 'reason_words'>): string => (reason ? said('referrals.reason', reason, reason_words ?? reason) : '');

/** A sign of fraud as a sentence, and in a word. */
export const saySign = (sign: ReferralRow['signals'][number]): string => said('referrals.sign', sign.code, sign.words);
export const nameSign = (code: string): string => said('referrals.signal', code, code);

/** What one of the two got; empty while nothing was decided. Why not is said where the referral itself does not say it. */
export function sayGiven(given: ReferralRow['for_friend'], plan: Program, reason?: string | null): string {
	if (!given.outcome) return '';
	if (given.outcome === reason) return t('referrals.given.none');
	return given.outcome === 'given' ? amountIn(unitOf(plan, given.wallet), given.points) : t('referrals.given.nothing', { why: said('referrals.reason', given.outcome, said('loyalty.outcome', given.outcome, given.outcome)) });
}

/** A friend or a member by their name. */
export const nameOf = (person: ReferralRow['friend']): string => person.person_name ?? (person.person_id ? t('referrals.unnamed') : t('loyalty.forgotten'));
