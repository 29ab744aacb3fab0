import { describe, expect, it } from 'vitest';
import { alongSteps, badgeLacks, challengeLacks, countsOf, firstBadge, firstChallenge, isBegun, tidiedChallenge, whoCompleted, whoHas, worthOf, type ChallengeVersion } from '../../src/lib/loyalty-challenges';
import { sayAmount, sayChallenge, sayStepGives } from '../../src/lib/loyalty-challenge-words';
import { firstProgram } from '../../src/lib/loyalty';
import { words } from '../../src/lib/i18n/index.svelte';
await words.with('loyalty');

const plan = firstProgram('Club', 'Europe/Berlin', 'EUR');
const whole = { ...firstChallenge(10), name: 'Walks' };
const named = (key: string) => (key === 'walker' ? 'Walker' : key);

describe('what lacks of a challenge', () => {
	it('is said one after another', () => {
		expect(challengeLacks(whole)).toBe('');
		expect(challengeLacks({ ...whole, name: ' ' })).toBe('name');
		expect(challengeLacks({ ...whole, picture: 'http://a.example/b.png' })).toBe('picture');
		expect(challengeLacks({ ...whole, event: '' })).toBe('event');
		expect(challengeLacks({ ...whole, counts: { kind: 'distinct', property: '' } })).toBe('property');
		expect(challengeLacks({ ...whole, counts: { kind: 'in_a_row', unit: 'days', freezes: 31 } })).toBe('freezes');
		expect(challengeLacks({ ...whole, steps: [{ target: '3', points: 1 }, { target: '3', points: 1 }] })).toBe('rising');
		expect(challengeLacks({ ...whole, steps: [{ target: '3' }] })).toBe('nothing');
		expect(challengeLacks({ ...whole, steps: [{ target: '3', badge: 'walker' }] })).toBe('');
		expect(challengeLacks({ ...whole, steps: [{ target: '3', points: 0 }] })).toBe('points');
		expect(challengeLacks({ ...whole, period: { kind: 'rolling', days: NaN } })).toBe('days');
		expect(challengeLacks({ ...whole, recurrence: { kind: 'times', count: 1001 } })).toBe('count');
		expect(challengeLacks({ ...whole, window: { from: '2026-12-02', until: '2026-12-01' } })).toBe('window');
		expect(badgeLacks({ ...firstBadge(1), name: 'A', picture: 'ftp://x' })).toBe('picture');
	});
	it('takes a fraction as a target of money alone', () => {
		const half = [{ target: '9.5', points: 1 }];
		expect(challengeLacks({ ...whole, steps: half })).toBe('target');
		expect(challengeLacks({ ...whole, counts: countsOf('amount'), steps: half })).toBe('');
	});
});

describe('challenges', () => {
	it('are sent without their key, and with targets as texts', () => {
		const sent = tidiedChallenge({ ...whole, key: 'walks', name: ' a  b ', steps: [{ target: 3, points: 1, name: ' x ' }] });
		expect(sent).toMatchObject({ name: 'a b', steps: [{ target: '3', name: 'x' }] });
		expect('key' in sent).toBe(false);
	});
	it('are said in words', () => {
		expect(sayChallenge({ ...whole, steps: [{ target: '3', points: 20 }, { target: '10', points: 200, badge: 'walker' }] }, plan, named)).toBe('Order Completed within a month: 3 times for 20 points, then 10 times for 200 points, the badge Walker');
		expect(sayChallenge({ ...whole, period: { kind: 'rolling', days: 90 }, recurrence: { kind: 'always' } }, plan, named)).toBe('Order Completed within 90 days of the first: 3 times for 100 points, again and again');
		expect(sayAmount({ kind: 'in_a_row', unit: 'weeks' }, 1, plan)).toBe('1 week in a row');
		expect(sayAmount({ kind: 'amount' }, '50', plan)).toBe('€50');
		expect(sayStepGives({ target: '1' }, plan, named)).toBe('nothing yet');
	});
	it('keep what they count once they were live', () => {
		expect(isBegun(undefined)).toBe(false);
		expect(isBegun({ state: 'draft' } as ChallengeVersion)).toBe(false);
		expect(isBegun({ state: 'paused' } as ChallengeVersion)).toBe(true);
	});
	it('lead to their people by facts', () => {
		expect(whoCompleted('walks')).toEqual({ fact: { key: 'challenge.walks.completed', op: 'at_least', value: 1 } });
		expect(whoHas('walker')).toEqual({ fact: { key: 'badge.walker', op: 'exists' } });
	});
	it('draw each step as wide as the next', () => {
		expect(alongSteps([3, 5, 10], 0)).toBe(0);
		expect(alongSteps([3, 5], 4)).toBe(75);
		expect(alongSteps([3, 5], 9)).toBe(100);
	});
	it('are worth what their wallet says', () => {
		expect(worthOf(plan, null, 200)).toBeCloseTo(2);
		expect(worthOf({ ...plan, wallets: [{ ...plan.wallets[0]!, worth: null }] }, null, 200)).toBeNull();
	});
});
