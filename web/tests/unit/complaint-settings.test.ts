import { describe, expect, it } from 'vitest';
import { keyed, readHours, showHours, unfinished, weekMinutes, type Rules } from '../../src/lib/complaint-settings';

const rules = (change: Partial<Rules> = {}): Rules => ({ categories: [{ key: 'product', name: { en: 'Product' } }], root_causes: [], touchpoints: [], hours: { zone: 'UTC', week: [[], [], [], [], [], [], []], holidays: [] }, targets: { first_answer_minutes: [1, 1, 1, 1], resolution_minutes: [1, 1, 1, 1] }, page: { is_open: false, text: {} }, ...change });

describe('working hours', () => {
	it('are read as people write them, in the order of the day', () => {
		expect([readHours('9-12:30, 13.00–17'), readHours('13:00-17:00；9:00-12:00'), readHours('0-24'), readHours('  ')]).toEqual([['09:00-12:30', '13:00-17:00'], ['09:00-12:00', '13:00-17:00'], ['00:00-24:00'], []]);
	});
	it('are refused where they end before they begin, overlap, or are none', () => {
		expect(['17-9', '9-12, 11-13', '9', '9-25', '9:70-10', 'all day', '9-9', '23:00-24:30'].map(readHours)).toEqual([null, null, null, null, null, null, null, null]);
	});
	it('are shown, and counted over the week', () => {
		expect(showHours(['09:00-12:30', '13:00-17:00'])).toBe('09:00–12:30, 13:00–17:00');
		expect(readHours(showHours(['09:00-12:30', '13:00-17:00']))).toEqual(['09:00-12:30', '13:00-17:00']);
		expect(weekMinutes([['09:00-12:30', '13:00-17:00'], ['00:00-24:00'], []])).toBe(450 + 1_440);
	});
});

describe('lists', () => {
	it('give new entries a key of their name that no other has, and keep those that were saved', () => {
		const made = keyed(rules({ categories: [{ key: 'product', name: { en: 'Goods ' } }, { key: '', name: { en: 'Product', zh: '' } }, { key: '', name: { zh: '包装' } }, { key: '', name: { zh: '价格' } }] }));
		expect(made.categories.map((it) => [it.key, it.name])).toEqual([['product', { en: 'Goods' }], ['product_2', { en: 'Product' }], ['entry', { zh: '包装' }], ['entry_2', { zh: '价格' }]]);
	});
	it('say where a name or a day is missing', () => {
		const holiday = { day: '', name: 'X', open: [], is_off: false };
		expect([unfinished(rules()), unfinished(rules({ root_causes: [{ key: '', name: { en: ' ' } }] })), unfinished(rules({ hours: { ...rules().hours, holidays: [holiday] } }))]).toEqual([null, 'root_causes', 'holidays']);
	});
	it('leave texts away that say nothing, and sort holidays by day', () => {
		const holidays = ['2026-12-25', '2026-01-01'].map((day) => ({ day, name: '', open: [], is_off: false }));
		const made = keyed(rules({ hours: { ...rules().hours, holidays }, page: { is_open: true, text: { en: 'Hi', zh: ' ' } } }));
		expect([made.hours.holidays.map((it) => it.day), made.page.text]).toEqual([['2026-01-01', '2026-12-25'], { en: 'Hi' }]);
	});
});
