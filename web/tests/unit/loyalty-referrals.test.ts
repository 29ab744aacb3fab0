// Referral programmes: what lacks of them, what they cost, and what is said of them.
import { beforeAll, describe, expect, it } from 'vitest';
import { words } from '$lib/i18n/index.svelte';
import { referrals } from '$lib/i18n/en/loyalty-referrals';
import { firstProgram } from '$lib/loyalty';
import { placeAt, PLACES } from '$lib/loyalty-places';
import { costOf, courseOf, firstReferral, isPage, referralLacks, tidiedReferral, type Referral } from '$lib/loyalty-referrals';
import { nameOf, sayGets, sayGiven, sayQualifies, sayReason } from '$lib/loyalty-referral-words';

const plan = firstProgram('Club', 'Europe/Berlin', 'EUR');
const whole: Referral = { ...firstReferral(10), name: 'Bring a friend', page: { address: 'https://shop.example/welcome' } };
beforeAll(() => words.with('loyalty'));

describe('a referral programme while it is written', () => {
	it('lacks what the server would refuse, one thing after the other', () => {
		expect(referralLacks(firstReferral(10))).toBe('name');
		expect(referralLacks({ ...whole, page: { address: 'http://shop.example' } })).toBe('page');
		expect(referralLacks({ ...whole, referrer: null, friend: null })).toBe('nobody');
		expect(referralLacks({ ...whole, friend: { points: 0.5 } })).toBe('points');
		expect(referralLacks({ ...whole, referrer: { steps: [{ from: 2, points: 1 }] } })).toBe('steps');
		expect(referralLacks({ ...whole, referrer: { steps: [{ from: 1, points: 1 }, { from: 1, points: 2 }] } })).toBe('steps');
		expect(referralLacks({ ...whole, qualifies: { ...whole.qualifies, minimum: '0' } })).toBe('minimum');
		expect(referralLacks({ ...whole, stands_days: 731 })).toBe('days');
		expect(referralLacks({ ...whole, fraud: { ...whole.fraud, trace_days: 91 } })).toBe('fraud');
		expect(referralLacks({ ...whole, fraud: { ...whole.fraud, suspend_after: null } })).toBe('');
		expect(referralLacks(whole)).toBe('');
	});
	it('sends friends only over https to a host that is plain to see', () => {
		for (const good of ['https://shop.example', 'https://shop.example/a?b=c', 'https://127.0.0.1:8443/x']) expect(isPage(good), good).toBe(true);
		for (const bad of ['http://shop.example', 'https://', 'https://me@shop.example', 'https://shop.example/#a', 'https://shop.example/"x', 'javascript:alert(1)']) expect(isPage(bad), bad).toBe(false);
	});
	it('is sent without its key and with its name on one line', () => {
		const sent = tidiedReferral({ ...whole, key: 'friends', name: ' Bring\n a  friend ' });
		expect(sent.name).toBe('Bring a friend');
		expect('key' in sent).toBe(false);
	});
});

describe('what came of it', () => {
	it('counts whoever was rewarded among those who did what counts, and all among those who came', () => {
		expect(courseOf({ joined: 5, pending: 2, review: 1, rewarded: 4, refused: 3, taken_back: 1 })).toEqual({ came: 16, qualified: 8, rewarded: 4, taken_back: 1, review: 1 });
		expect(courseOf({})).toEqual({ came: 0, qualified: 0, rewarded: 0, taken_back: 0, review: 0 });
	});
	it('costs what the points are worth, each in its wallet, and nothing is said where a wallet has no worth', () => {
		const credit = { ...plan.wallets[0], key: 'credit', unit: { kind: 'money' as const, currency: 'EUR' }, worth: null };
		const stamps = { ...plan.wallets[0], key: 'stamps', unit: { kind: 'stamps' as const }, worth: null };
		const both = { ...plan, wallets: [...plan.wallets, credit, stamps] };
		expect(costOf({ referrer_points: 1000, friend_points: 500 }, whole, plan)).toBeCloseTo(15);
		expect(costOf({ referrer_points: 1000, friend_points: 500 }, { ...whole, friend: { wallet: 'credit', points: 1 } }, both)).toBeCloseTo(15);
		expect(costOf({ referrer_points: 1000, friend_points: 5 }, { ...whole, friend: { wallet: 'stamps', points: 1 } }, both)).toBeNull();
		expect(costOf({ referrer_points: 1000, friend_points: 0 }, { ...whole, friend: { wallet: 'stamps', points: 1 } }, both)).toBeCloseTo(10);
	});
});

describe('referrals in words', () => {
	it('says what both get and what the friend must do', () => {
		expect(sayGets({ ...whole, referrer: { steps: [{ from: 1, points: 200 }, { from: 5, points: 300 }] } }, plan)).toBe('200 points for the member (from friend 5 on 300 points), 100 points for the friend');
		expect(sayGets({ ...whole, referrer: null }, plan)).toBe('100 points for the friend');
		expect(sayQualifies({ ...whole, qualifies: { event: 'Order Completed', minimum: '20', within_days: 1 } }, plan)).toMatch(/^Order Completed of at least €20(\.00)? within 1 day, and 14 days without going back$/);
		expect(sayQualifies({ ...whole, stands_days: 0 }, plan)).toBe('Order Completed within 90 days');
	});
	it('says every reason that it knows, and what the server says of one that is newer', () => {
		expect(sayReason({ reason: 'went_back', reason_words: 'x' })).toBe('What the friend ordered went back.');
		expect(sayReason({ reason: 'of_tomorrow', reason_words: 'it is of tomorrow' })).toBe('it is of tomorrow');
		expect(sayReason({ reason: null, reason_words: null })).toBe('');
		expect(Object.keys(referrals).filter((key) => key.startsWith('referrals.reason.'))).toHaveLength(26);
	});
	it('says what was given, and why not', () => {
		expect(sayGiven({ wallet: 'points', points: 200, outcome: 'given' }, plan)).toBe('200 points');
		expect(sayGiven({ wallet: 'points', points: 0, outcome: 'limit_reached' }, plan)).toBe('nothing: The member had as many rewards as one may have.');
		expect(sayGiven({ wallet: 'points', points: 0, outcome: 'limit_reached' }, plan, 'limit_reached')).toBe('nothing');
		expect(sayGiven({ wallet: 'points', points: 0, outcome: null }, plan)).toBe('');
		expect(nameOf({ member_id: null, person_id: null, person_name: null })).toBe('Somebody who was forgotten');
	});
});

describe('the pages of Loyalty', () => {
	it('are each found by their own address, and a part of a room before the room', () => {
		for (const place of PLACES.flatMap((group) => group.places)) expect(placeAt(place.href)).toBe(place);
		expect(placeAt('/loyalty/referrals/review')?.name).toBe('loyalty.at.review');
		expect(placeAt('/loyalty/referrals/programs/friends')?.name).toBe('loyalty.at.referrals');
		expect(placeAt('/loyalty/rulesets')).toBeUndefined();
	});
});
