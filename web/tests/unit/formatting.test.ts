import { describe, expect, it } from 'vitest';
import * as f from '../../src/lib/formatting';

const NOW = Date.parse('2026-11-21T21:00:00Z');
const reader = (locale = 'en-GB', zone = 'Europe/Berlin'): f.Reader => ({ locale, zone, now: () => NOW });

describe('money', () => {
	it('keeps every digit of the wire', () => {
		expect(f.money(reader(), '284310.50', 'EUR')).toBe('€284,310.50');
		expect(f.money(reader(), '90071992547409931.25', 'EUR')).toBe('€90,071,992,547,409,931.25');
	});
	it('leaves out the fraction from a thousand up, where asked', () => {
		expect(f.money(reader(), '1934.10', 'EUR', true)).toBe('€1,934');
		expect(f.money(reader(), '71.48', 'EUR', true)).toBe('€71.48');
	});
	it('follows the currency and shows an unknown one as it is', () => {
		expect(f.money(reader(), '1200', 'JPY')).toBe('¥1,200');
		expect(f.money(reader(), '12.5', 'not a code')).toBe('12.5 not a code');
	});
	it('shows a dash for nothing', () => {
		expect(f.money(reader(), null, 'EUR')).toBe('–');
		expect(f.money(reader(), '', 'EUR')).toBe('–');
	});
});

describe('times', () => {
	it('are relative within a week and a date beyond it', () => {
		expect(f.relative(reader(), '2026-11-21T19:00:00Z')).toBe('2 hours ago');
		expect(f.relative(reader(), '2026-11-20T20:00:00Z')).toBe('yesterday');
		expect(f.relative(reader(), '2026-11-14T21:00:00Z')).toBe('14 Nov 2026');
		expect(f.relative(reader(), 'no time')).toBe('–');
		expect(f.relative(reader(), null)).toBe('–');
	});
	it('are of the zone of the workspace', () => {
		expect(f.date(reader('en-GB', 'Europe/Berlin'), '2026-11-21T23:30:00Z')).toBe('22 Nov 2026');
		expect(f.date(reader('en-GB', 'America/New_York'), '2026-11-21T23:30:00Z')).toBe('21 Nov 2026');
	});
	it('end a range on the last day that counts', () => {
		expect(f.dateRange(reader(), '2026-10-31T23:00:00Z', '2026-11-21T23:00:00Z').replace(/\s/g, ' ')).toBe('1 – 21 Nov 2026');
	});
	it('name periods by their length', () => {
		const start = '2026-09-30T22:00:00Z';
		expect(f.periodName(reader(), start, 'month')).toBe('Oct 2026');
		expect(f.periodName(reader(), start, 'quarter')).toBe('Q4 2026');
		expect(f.periodName(reader(), start, 'year')).toBe('2026');
		expect(f.periodName(reader(), start, 'day')).toBe('1 Oct');
		expect(f.periodName(reader('zh-CN'), start, 'month', true)).toBe('2026年10月');
	});
});

describe('numbers', () => {
	it('are never NaN on the page', () => {
		for (const show of [f.number, f.plain, f.percent]) expect(show(reader(), Number.NaN)).toBe('–');
	});
	it('carry their sign where they are changes', () => {
		expect(f.signedPercent(reader(), 0.041)).toBe('+4.1%');
		expect(f.signedPercent(reader(), -0.063)).toBe('-6.3%');
		expect(f.signedPercent(reader(), 0)).toBe('0.0%');
	});
	it('give spans in their largest sensible unit', () => {
		expect(f.duration(reader(), 45)).toBe('45 secs');
		expect(f.duration(reader(), 2280)).toBe('38 mins');
		expect(f.duration(reader(), 26 * 3600)).toBe('26 hrs');
		expect(f.duration(reader(), 2.5 * 86_400)).toBe('2.5 days');
		expect(f.duration(reader(), null)).toBe('–');
	});
});

describe('names', () => {
	it('give initials in any script', () => {
		expect(f.initials('Hanna Nyberg')).toBe('HN');
		expect(f.initials('周晓雯')).toBe('周');
		expect(f.initials('  ')).toBe('?');
		expect(f.initials('Åsa')).toBe('Å');
	});
	it('turn keys into words', () => {
		expect(f.humanize('average_order_value')).toBe('Average order value');
		expect(f.humanize('birthYear')).toBe('Birth year');
	});
});
