// Follow-ups, as pages show them: where they stand, and whether somebody should hurry.
import type { components } from '$lib/api/schema';
import type { Condition } from '$lib/conditions';

type Schemas = components['schemas'];
export type FollowUp = Schemas['FollowUp'];
export type FollowUpDetail = FollowUp & Pick<Schemas['FollowUpDetail'], 'why' | 'later' | 'log' | 'can_undo'>;
export type FollowUpReason = Schemas['FollowUpReason'];
export type FollowUpLine = Schemas['FollowUpLine'];
export type FollowUpCount = Schemas['FollowUpCount'];
export type FollowUpSuggestion = Schemas['FollowUpSuggestion'];
export type FollowUpFigures = Schemas['FollowUpFigures'];
export type FollowUpRule = Omit<Schemas['FollowUpRule'], 'when'> & { when: Condition };
export type Ranged = Schemas['Ranged'];

export const STATES = ['open', 'in_progress', 'waiting', 'done'] as const;
export type FollowUpState = (typeof STATES)[number];
export const OUTCOMES = ['recovered', 'not_recovered', 'not_reached', 'no_action_needed'] as const;
export const CHANNELS = ['phone', 'email', 'sms', 'chat', 'in_person', 'letter'] as const;
export const CHOICES = ['round_robin', 'one', 'account_manager', 'nobody'] as const;

/** Whether an outcome says what somebody answered: then they were spoken with. */
export const needsContact = (outcome: string): boolean => outcome === 'recovered' || outcome === 'not_recovered';

const HOUR_MS = 3_600_000;
/** The last part of the time, and at most so many hours, is near. */
const NEAR_PART = 0.25;
const NEAR_MS = 12 * HOUR_MS;

/** Whether the customer should have been spoken with by now, soon, or there is time. Who was spoken with waits for nobody. */
export function hurry(row: Pick<FollowUp, 'state' | 'opened_at' | 'due_at' | 'contacted_at'>, now: number): 'late' | 'near' | 'calm' {
	if (row.state === 'done' || row.contacted_at) return 'calm';
	const due = Date.parse(row.due_at);
	if (due <= now) return 'late';
	return due - now <= Math.min(NEAR_MS, (due - Date.parse(row.opened_at)) * NEAR_PART) ? 'near' : 'calm';
}

/** Those of a column: as long as they are not done, by their deadline; those that are put aside come last. */
export function column(rows: FollowUp[], state: FollowUpState): FollowUp[] {
	const own = rows.filter((row) => row.state === state);
	if (state === 'done') return own.sort((a, b) => ((a.closed_at ?? '') < (b.closed_at ?? '') ? 1 : -1));
	const asleep = (row: FollowUp) => (row.snoozed_until ? 1 : 0);
	return own.sort((a, b) => asleep(a) - asleep(b) || (a.due_at < b.due_at ? -1 : a.due_at > b.due_at ? 1 : 0));
}

/** A key for a rule from what it is called: small letters, digits and hyphens. */
export const keyOf = (name: string): string => name.toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').replace(/[^a-z0-9]+/g, '-').replace(/^-+|-+$/g, '').slice(0, 40) || `rule-${Math.abs([...name].reduce((sum, c) => (sum * 31 + c.codePointAt(0)!) | 0, 7)).toString(36)}`;

/** Whether the rows of tests of properties can show a condition: it tests the event itself, and nothing else. */
export function isOfEvent(condition: Condition): boolean {
	if ('all' in condition) return condition.all.every(isOfEvent);
	if ('any' in condition) return condition.any.every(isOfEvent);
	if ('not' in condition) return isOfEvent(condition.not);
	return 'property' in condition;
}
