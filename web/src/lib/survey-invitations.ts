// Everybody a survey could ask, and how far it came with them. Pure.
import type { components } from '$lib/api/schema';
import type { CustomerRow } from '$lib/api/types';

export type Invitation = Omit<components['schemas']['OccasionShape'], 'customer'> & { customer?: CustomerRow | null };
export const COURSES = ['waiting', 'sampled_out', 'suppressed', 'undelivered', 'unasked', 'invited', 'delivered', 'opened', 'answered'] as const;
export type Course = (typeof COURSES)[number];
export const COURSE_TONES: Record<Course, string> = { waiting: '', sampled_out: '', suppressed: 'warn', undelivered: 'bad', unasked: '', invited: '', delivered: '', opened: '', answered: 'good' };
/** Why somebody was not asked; the others are why it did not arrive. */
export const SUPPRESSED_FOR = ['closed', 'gone', 'restricted', 'no_consent', 'held_out', 'unreachable', 'trouble', 'nothing_left', 'asked', 'floor', 'kind_floor', 'quarantine', 'late'] as const;

/** How far it came. */
export function courseOf(row: Pick<Invitation, 'state' | 'delivered_at' | 'opened_at' | 'answered_at'>): Course {
	if (row.answered_at) return 'answered';
	if (row.opened_at) return 'opened';
	if (row.state !== 'invited') return (COURSES as readonly string[]).includes(row.state) ? (row.state as Course) : 'waiting';
	return row.delivered_at ? 'delivered' : 'invited';
}

/** What can be asked for: one step of the way each. */
export const WAYS = ['', 'waiting', 'sampled_out', 'suppressed', 'undelivered', 'unasked', 'invited', 'unopened', 'opened', 'unanswered', 'answered'] as const;
export type Way = (typeof WAYS)[number];
/** The question of the server for it. */
export function wayQuery(way: Way): { state?: string; opened?: boolean; answered?: boolean } {
	if (way === '') return {};
	if (way === 'unopened') return { state: 'invited', opened: false };
	if (way === 'opened') return { opened: true };
	if (way === 'unanswered') return { opened: true, answered: false };
	return way === 'answered' ? { answered: true } : { state: way };
}
