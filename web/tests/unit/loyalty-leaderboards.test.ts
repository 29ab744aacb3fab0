import { describe, expect, it } from 'vitest';
import { boardLacks, firstLeaderboard, fromPlace, periodOf, tidiedBoard } from '../../src/lib/loyalty-leaderboards';

const whole = { ...firstLeaderboard(10), name: 'Walkers' };

describe('leaderboards', () => {
	it('say what lacks of them', () => {
		expect(boardLacks(whole)).toBe('');
		expect(boardLacks({ ...whole, name: ' ' })).toBe('name');
		expect(boardLacks({ ...whole, picture: 'http://a.example/b' })).toBe('picture');
		expect(boardLacks({ ...whole, ranks: { kind: 'challenge', challenge: '' } })).toBe('challenge');
		expect(boardLacks({ ...whole, from: '2026-05-02', until: '2026-05-01' })).toBe('window');
		expect(boardLacks({ ...whole, period: { kind: 'ever' } })).toBe('endless');
		expect(boardLacks({ ...whole, period: { kind: 'ever' }, until: '2026-12-01' })).toBe('');
		expect(boardLacks({ ...whole, period: { kind: 'ever' }, prizes: [] })).toBe('');
		expect(boardLacks({ ...whole, shown: 101 })).toBe('shown');
		expect(boardLacks({ ...whole, settles_after_days: 61 })).toBe('settles');
		expect(boardLacks({ ...whole, prizes: [{ to_place: 3, points: 1 }, { to_place: 3, points: 1 }] })).toBe('places');
		expect(boardLacks({ ...whole, prizes: [{ to_place: 1_001, points: 1 }] })).toBe('places');
		expect(boardLacks({ ...whole, prizes: [{ to_place: 1 }] })).toBe('nothing');
		expect(boardLacks({ ...whole, prizes: [{ to_place: 1, points: 0.5 }] })).toBe('points');
	});
	it('give prizes from the place behind the one before', () => {
		expect(fromPlace(whole.prizes!, 0)).toBe(1);
		expect(fromPlace(whole.prizes!, 1)).toBe(2);
	});
	it('know a period by its name, and are sent without their key', () => {
		expect(periodOf('month 2026-05-01')).toEqual({ kind: 'month', day: '2026-05-01' });
		expect(periodOf('ever')).toEqual({ kind: 'ever', day: null });
		expect(tidiedBoard({ ...whole, key: 'a', name: ' a  b ' })).not.toHaveProperty('key');
	});
});
