// Where the law says when points may lapse, as staff write it in the programme. Pure.
import type { Tree } from './condition-tree';
import type { LengthUnit, Program } from './loyalty';

/** What the console does not know of a jurisdiction it keeps as it is. */
export interface Jurisdiction {
	key: string;
	name: string;
	when: Tree;
	no_expiry_by_time?: boolean;
	inactivity_at_least?: { count: number; unit: LengthUnit } | null;
	notice_between?: [number, number] | null;
	excepted_wallets?: string[];
}
export const MOST_LAWS = 20;

export const lawsOf = (plan: Program): Jurisdiction[] => plan.jurisdictions ?? [];

/** Another jurisdiction, with a key that none of the others has. */
export function nextLaw(all: Jurisdiction[]): Jurisdiction {
	let n = all.length + 1;
	while (all.some((it) => it.key === `law-${n}`)) n += 1;
	return { key: `law-${n}`, name: '', when: { fact: { key: 'trait.country', op: 'equals', value: '' } }, no_expiry_by_time: true, inactivity_at_least: null, notice_between: null, excepted_wallets: [] };
}

export type LawLack = '' | 'name' | 'key' | 'taken' | 'whom' | 'nothing' | 'inactivity' | 'notice';
const isWhole = (n: number, least: number, most: number) => Number.isInteger(n) && n >= least && n <= most;
const unsaid = (tree: Tree): boolean => ('all' in tree ? tree.all.length === 0 || tree.all.some(unsaid) : 'fact' in tree ? !tree.fact.key || tree.fact.value === '' : false);

/** What lacks of one of the jurisdictions before the programme can be saved. */
export function lawLacks(law: Jurisdiction, others: Jurisdiction[]): LawLack {
	if (!law.name.trim()) return 'name';
	if (!/^[a-z0-9_-]{1,64}$/.test(law.key)) return 'key';
	if (others.some((it) => it.key === law.key)) return 'taken';
	if (unsaid(law.when)) return 'whom';
	if (!law.no_expiry_by_time && !law.inactivity_at_least && !law.notice_between) return 'nothing';
	if (law.inactivity_at_least && !isWhole(law.inactivity_at_least.count, 1, 3650)) return 'inactivity';
	if (law.notice_between && !(isWhole(law.notice_between[0], 1, 364) && isWhole(law.notice_between[1], 2, 365) && law.notice_between[0] < law.notice_between[1])) return 'notice';
	return '';
}

/** The programme with other jurisdictions in their order; the first one that fits is a member's. */
export const withLaws = (plan: Program, laws: Jurisdiction[]): Program => ({ ...plan, jurisdictions: laws.map((it) => ({ ...it, name: it.name.trim().replace(/\s+/g, ' ') })) });

/** How a notice stands that a law asks for: proved, not yet, or too late to be. */
export function noticeState(notice: { counts_from?: string | null; counts_until?: string | null; proved_at?: string | null }, now: number): 'not_asked' | 'proved' | 'waits' | 'unproved' {
	if (!notice.counts_until) return 'not_asked';
	if (notice.proved_at) return 'proved';
	return Date.parse(notice.counts_until) > now ? 'waits' : 'unproved';
}
