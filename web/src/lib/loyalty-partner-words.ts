// Partners in words: prices to the millionth, limits, and who owes whom.
import { f, t, words } from './i18n/index.svelte';
import type { Program, Unit } from './loyalty';
import { comesTo, whoOwes, type Partner, type PartnerLimit } from './loyalty-partners';
import { amountIn } from './loyalty-words';

/** A price of a point, which is often a part of the smallest coin. */
export function exact(amount: string | number, currency: string): string {
	try {
		return new Intl.NumberFormat(words.locale, { style: 'currency', currency, currencyDisplay: 'narrowSymbol', maximumFractionDigits: 6 }).format(Number(amount));
	} catch {
		return `${amount} ${currency}`;
	}
}

export const unitIn = (partner: Partner, plan: Program): Unit | undefined => (plan.wallets.find((it) => it.key === partner.wallet) ?? plan.wallets[0])?.unit;

/** What a point costs each way, in a few words. */
export function sayPrices(partner: Partner): string {
	const { gives, burns, currency } = partner;
	const parts = [gives ? t('partners.say.gives', { price: exact(gives.price || 0, currency) }) : '', burns ? t('partners.say.burns', { price: exact(burns.price || 0, currency) }) : ''];
	const said = parts.filter(Boolean).join(t('list.and'));
	return said.charAt(0).toUpperCase() + said.slice(1);
}

/** The same by an example: somebody who spends a hundred there, and a bill of ten that is paid with points. */
export function sayExample(partner: Partner, plan: Program): string {
	const [unit, currency, name] = [unitIn(partner, plan), partner.currency, partner.name.trim() || t('partners.one')];
	const [given, burned] = [comesTo(partner, 'given', 100), comesTo(partner, 'burned', 10)];
	const parts: string[] = [];
	if (given) parts.push(t('partners.example.given', { spent: exact(100, currency), points: amountIn(unit, given.points), partner: name, money: exact(given.money, currency) }));
	if (burned) parts.push(t('partners.example.burned', { bill: exact(10, currency), points: amountIn(unit, burned.points), partner: name, money: exact(burned.money, currency) }));
	return parts.join(' ');
}

export const sayPartnerLimit = (limit: PartnerLimit, unit: Unit | undefined): string => t(`partners.limit.${limit.of}`, { most: t(`loyalty.cap.${limit.per}`, { most: amountIn(unit, limit.most), every: t(`loyalty.every.${limit.every}`) }) });

/** Who owes whom how much. */
export function sayBalance(balance: string, currency: string, name: string): string {
	return t(`partners.owes.${whoOwes(balance)}`, { partner: name, money: f.money(Math.abs(Number(balance)), currency) });
}

export const monthName = (month: string): string => f.period(`${month}-15T12:00:00Z`, 'month', true);
