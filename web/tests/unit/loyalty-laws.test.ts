import { describe, expect, it } from 'vitest';
import { firstProgram } from '../../src/lib/loyalty';
import { lawLacks, lawsOf, nextLaw, noticeState, withLaws, type Jurisdiction } from '../../src/lib/loyalty-laws';

const ontario: Jurisdiction = { key: 'ontario', name: 'Ontario', when: { fact: { key: 'trait.region', op: 'equals', value: 'ON' } }, no_expiry_by_time: true };
const plan = firstProgram('Club', 'Europe/Berlin', 'EUR');

describe('laws of lapsing', () => {
	it('say what lacks of them', () => {
		expect(lawLacks(ontario, [])).toBe('');
		expect(lawLacks({ ...ontario, name: ' ' }, [])).toBe('name');
		expect(lawLacks({ ...ontario, key: 'O N' }, [])).toBe('key');
		expect(lawLacks(ontario, [ontario])).toBe('taken');
		expect(lawLacks({ ...ontario, when: { all: [] } }, [])).toBe('whom');
		expect(lawLacks({ ...nextLaw([]), name: 'New' }, [])).toBe('whom');
		expect(lawLacks({ ...ontario, no_expiry_by_time: false }, [])).toBe('nothing');
		expect(lawLacks({ ...ontario, inactivity_at_least: { count: NaN, unit: 'years' } }, [])).toBe('inactivity');
		for (const days of [[60, 30], [30, 30], [0, 30], [30, 366], [NaN, 60]] as [number, number][]) expect(lawLacks({ ...ontario, notice_between: days }, [])).toBe('notice');
	});
	it('are put into the programme without losing anything of it', () => {
		const next = withLaws({ ...plan, other: 1 }, [{ ...ontario, name: ' On  tario ' }]);
		expect(next).toMatchObject({ name: 'Club', other: 1, jurisdictions: [{ key: 'ontario', name: 'On tario' }] });
		expect(lawsOf(plan)).toEqual([]);
		expect(nextLaw([{ ...ontario, key: 'law-2' }]).key).toBe('law-3');
	});
	it('tell a notice that is proved from one that is not', () => {
		const now = Date.parse('2026-11-21T00:00:00Z');
		expect(noticeState({}, now)).toBe('not_asked');
		expect(noticeState({ counts_until: '2026-12-01T00:00:00Z' }, now)).toBe('waits');
		expect(noticeState({ counts_until: '2026-11-01T00:00:00Z' }, now)).toBe('unproved');
		expect(noticeState({ counts_until: '2026-11-01T00:00:00Z', proved_at: '2026-10-20T00:00:00Z' }, now)).toBe('proved');
	});
});
