import { describe, expect, it } from 'vitest';
import { asCsv, comesTo, decimal, firstPartner, guessList, listLacks, owed, partnerLacks, startOf, tidiedPartner, whoOwes, type Partner } from '../../src/lib/loyalty-partners';

const whole: Partner = { ...firstPartner(10, 'EUR'), name: 'Alpine Air' };

describe('partners', () => {
	it('say what lacks of them', () => {
		expect(partnerLacks(whole)).toBe('');
		expect(partnerLacks({ ...whole, name: ' ' })).toBe('name');
		expect(partnerLacks({ ...whole, currency: 'EURO' })).toBe('currency');
		expect(partnerLacks({ ...whole, gives: null, burns: null })).toBe('nothing');
		expect(partnerLacks({ ...whole, gives: null })).toBe('');
		expect(partnerLacks({ ...whole, gives: { price: '' } })).toBe('price');
		expect(partnerLacks({ ...whole, gives: { price: '0' } })).toBe('');
		expect(partnerLacks({ ...whole, burns: { price: '0.0000001' } })).toBe('price');
		expect(partnerLacks({ ...whole, gives: { price: '0.01', per_unit: '0' } })).toBe('rate');
		expect(partnerLacks({ ...whole, burns: { price: '0.01', worth: '2000000' } })).toBe('rate');
		expect(partnerLacks({ ...whole, limits: [{ of: 'given', most: 0, per: 'member', every: 'day' }] })).toBe('limits');
		expect(partnerLacks({ ...whole, late_days: 731 })).toBe('late');
	});
	it('come to points and money as the server reckons, with nothing rounded but points', () => {
		const air: Partner = { ...whole, gives: { price: '0.012', per_unit: '1.5', round: 'down' }, burns: { price: '0.008', worth: '0.01', round: 'up' } };
		expect(comesTo(air, 'given', 12.34)).toEqual({ points: 18, money: '0.216' });
		expect(comesTo(air, 'burned', 12.34)).toEqual({ points: 1234, money: '9.872' });
		expect(comesTo(air, 'burned', 12.340001)?.points).toBe(1235);
		expect(comesTo({ ...air, gives: { ...air.gives!, round: 'nearest' } }, 'given', 12.34)?.points).toBe(19);
		expect(comesTo({ ...air, gives: { price: '0.012' } }, 'given', 10)).toBeNull();
		expect(comesTo({ ...air, burns: null }, 'burned', 10)).toBeNull();
		expect(comesTo({ ...air, gives: { price: 'x', per_unit: '1' } }, 'given', 10)).toBeNull();
		expect([decimal(1_500_000n), decimal(-216_000n), decimal(0n), decimal(7n)]).toEqual(['1.5', '-0.216', '0', '0.000007']);
	});
	it('owe, are owed, or neither', () => {
		expect([whoOwes('2.42'), whoOwes('-0.000001'), whoOwes('0')]).toEqual(['partner', 'programme', 'nobody']);
		expect(['given', 'given_back', 'burned', 'burned_back', 'payment'].map((kind) => owed(kind, '2'))).toEqual([2, -2, -2, 2, -2]);
	});
	it('begin a day in their zone', () => {
		expect(startOf('2026-07-01', 'Europe/Berlin')).toBe('2026-07-01T00:00:00+02:00');
		expect(startOf('2026-12-01', 'Europe/Berlin')).toBe('2026-12-01T00:00:00+01:00');
		expect(startOf('2026-03-29', 'Europe/Berlin')).toBe('2026-03-29T00:00:00+01:00');
		expect(startOf('2026-10-25', 'Europe/Berlin')).toBe('2026-10-25T00:00:00+02:00');
		expect(startOf('2026-01-01', 'America/St_Johns')).toBe('2026-01-01T00:00:00-03:30');
		expect(startOf('2026-01-01', 'UTC')).toBe('2026-01-01T00:00:00+00:00');
	});
	it('are sent without their key', () => expect(tidiedPartner({ ...whole, key: 'a', name: ' a  b ' })).toMatchObject({ name: 'a b' }));
});

describe('a partner\'s list', () => {
	it('is understood by the names of its columns', () => {
		expect(guessList(['Booking ref', 'Miles', 'Amount EUR', 'Date'])).toEqual({ reference: 'Booking ref', points: 'Miles', money: 'Amount EUR' });
		expect(guessList(['a', 'b'])).toEqual({});
		expect(guessList(['订单编号', '积分'])).toEqual({ reference: '订单编号', points: '积分' });
	});
	it('lacks what it lacks', () => {
		expect(listLacks({ reference: 'a' }, 0)).toBe('lines');
		expect(listLacks({ reference: 'a' }, 100_001)).toBe('many');
		expect(listLacks({ points: 'a' }, 1)).toBe('reference');
		expect(listLacks({ reference: 'a', points: 'a' }, 1)).toBe('twice');
		expect(listLacks({ reference: 'a', points: 'b' }, 1)).toBe('');
	});
	it('is read out of a spreadsheet too', () => {
		expect(asCsv('ref\tpts\nA\t5')).toBe('ref,pts\nA,5');
		expect(asCsv('ref;sum\r\nA;1,5')).toBe('ref,sum\nA,"1,5"');
		expect(asCsv('ref,note\nA,"x;y"')).toBe('ref,note\nA,"x;y"');
	});
});
