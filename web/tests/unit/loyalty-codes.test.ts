import { describe, expect, it } from 'vitest';
import { canVoid, codesAt, typed } from '../../src/lib/loyalty-codes';

describe('codes', () => {
	it('are taken back while nobody has or used them', () => {
		const can = (state: string, owner: 'offer' | 'pool', member_id: string | null = null) => canVoid({ state, member_id }, owner);
		expect(['live', 'expired', 'used', 'void'].map((state) => can(state, 'offer'))).toEqual([true, true, false, false]);
		expect(['free', 'live', 'expired', 'used', 'void'].map((state) => can(state, 'pool'))).toEqual([true, false, true, false, false]);
		expect(can('live', 'offer', '51')).toBe(false);
	});
	it('lie where their owner does', () => {
		expect(codesAt('offer', 'a')).toEqual({ list: '/loyalty/offers/a/codes/list', file: '/loyalty/offers/a/codes.csv', void: '/loyalty/offers/a/codes/voided' });
		expect(codesAt('pool', 'b c')).toEqual({ list: '/loyalty/vouchers/pools/b%20c', file: '/loyalty/vouchers/pools/b%20c/codes.csv', void: '/loyalty/vouchers/pools/b%20c/voided' });
	});
	it('are typed one a line, each once', () => expect(typed(' A \n\nB\r\nA')).toEqual(['A', 'B']));
});
