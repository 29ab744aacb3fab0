import { describe, expect, it } from 'vitest';
import { phraseOfTheme, phrasesOf } from '../../src/lib/improvements';
import { column, hurry, isOfEvent, keyOf, type FollowUp } from '../../src/lib/follow-ups';

const at = (hours: number) => new Date(Date.parse('2026-11-21T12:00:00Z') + hours * 3_600_000).toISOString();
const now = Date.parse(at(0));
const row = (more: Partial<FollowUp>): FollowUp => ({ id: 'x', person_id: '1', rule: 'detractor', state: 'open', opened_at: at(-48), due_at: at(0), late: false, reasons: 1, revision: 1, ...more });

describe('a follow-up', () => {
	it('is late from its deadline on, and near in the last part of the time, but for 12 hours at most', () => {
		expect(hurry(row({ due_at: at(0) }), now)).toBe('late');
		expect(hurry(row({ opened_at: at(-36), due_at: at(12) }), now)).toBe('near');
		expect(hurry(row({ opened_at: at(-35.9), due_at: at(12.1) }), now)).toBe('calm');
		expect(hurry(row({ opened_at: at(-6), due_at: at(2) }), now)).toBe('near');
		expect(hurry(row({ opened_at: at(-5), due_at: at(3) }), now)).toBe('calm');
	});
	it('waits for nobody once they were spoken with, or it is done', () => {
		expect(hurry(row({ due_at: at(-9), contacted_at: at(-1) }), now)).toBe('calm');
		expect(hurry(row({ due_at: at(-9), state: 'done' }), now)).toBe('calm');
	});
	it('stands in its column by deadline, what is put aside last; what is done by when it was done', () => {
		const rows = [row({ id: 'a', due_at: at(5) }), row({ id: 'b', due_at: at(1), snoozed_until: at(9) }), row({ id: 'c', due_at: at(2) }), row({ id: 'd', state: 'done', closed_at: at(-3) }), row({ id: 'e', state: 'done', closed_at: at(-1) })];
		expect(column(rows, 'open').map((it) => it.id)).toEqual(['c', 'a', 'b']);
		expect(column(rows, 'done').map((it) => it.id)).toEqual(['e', 'd']);
	});
});

describe('a rule', () => {
	it('has a key from its name, whatever the name is', () => {
		expect(keyOf('Gold member, unhappy!')).toBe('gold-member-unhappy');
		expect(keyOf('Ärger über Lieferung')).toBe('arger-uber-lieferung');
		expect(keyOf('愤怒')).toMatch(/^rule-[a-z0-9]+$/);
		expect(keyOf('愤怒')).not.toBe(keyOf('差评'));
	});
	it('is shown in rows where it tests the event alone', () => {
		const test = { property: { path: 'score', op: 'at_most' as const, value: 6 } };
		expect(isOfEvent(test)).toBe(true);
		expect(isOfEvent({ any: [test, { not: { all: [test] } }] })).toBe(true);
		expect(isOfEvent({ all: [] })).toBe(true);
		expect(isOfEvent({ all: [test, { fact: { key: 'nps.last', op: 'at_most', value: 6 } }] })).toBe(false);
	});
});

describe('an improvement', () => {
	it('is counted by phrases, one a line, each once', () => {
		expect(phrasesOf(' late   parcel \n\nparcel days\nlate parcel')).toEqual(['late parcel', 'parcel days']);
		expect(phrasesOf(Array.from({ length: 30 }, (_, i) => `word ${i}`).join('\n'))).toHaveLength(20);
		expect(phraseOfTheme(['delivery', 'late', 'parcel'])).toBe('delivery late');
	});
});
