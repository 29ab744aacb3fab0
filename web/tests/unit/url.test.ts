import { describe, expect, it, vi } from 'vitest';

vi.mock('$app/navigation', () => ({ goto: vi.fn(() => Promise.resolve()) }));
const { oneOf, patchUrl, readJson, withParams } = await import('../../src/lib/url');
const { goto } = await import('$app/navigation');
const { inside } = await import('../../src/lib/links');
const { readColumns, writeColumns, SHOWN } = await import('../../src/lib/components/customer/columns');

const url = (path: string) => new URL(path, 'http://shop.example');

describe('the state of a view', () => {
	it('is set, changed and removed without touching the rest', () => {
		expect(withParams(url('/customers?search=a&sort=name'), { sort: 'spent' })).toBe('/customers?search=a&sort=spent');
		expect(withParams(url('/customers?search=a&sort=name'), { search: '' })).toBe('/customers?sort=name');
		expect(withParams(url('/customers?search=a'), { search: null })).toBe('/customers');
		expect(withParams(url('/customers'), { search: 'a&b=c' })).toBe('/customers?search=a%26b%3Dc');
	});
	it('falls back where the address says something unknown', () => {
		expect(oneOf('spent', ['name', 'spent'], 'name')).toBe('spent');
		expect(oneOf('evil', ['name', 'spent'], 'name')).toBe('name');
		expect(readJson('{broken')).toBeNull();
		expect(readJson('{"group":"lost"}')).toEqual({ group: 'lost' });
	});
	it('makes no history entry when nothing changes', async () => {
		await patchUrl(url('/customers?sort=name'), { sort: 'name' });
		expect(goto).not.toHaveBeenCalled();
		await patchUrl(url('/customers?sort=name'), { sort: 'spent' }, true);
		expect(goto).toHaveBeenCalledWith('/customers?sort=spent', { replaceState: true, keepFocus: true, noScroll: true });
	});
});

describe('links from the server', () => {
	it('stay within the console', () => {
		expect(inside('/customers?rfm_group=lost')).toBe('/customers?rfm_group=lost');
		for (const elsewhere of ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)', '']) expect(inside(elsewhere)).toBe('/');
	});
});

describe('columns', () => {
	it('always hold the name and ignore unknown ones', () => {
		expect(readColumns(null)).toEqual(SHOWN);
		expect(readColumns('orders,nonsense')).toEqual(['name', 'orders']);
		expect(readColumns(writeColumns(['name', 'spent']))).toEqual(['name', 'spent']);
		expect(writeColumns(SHOWN)).toBeNull();
	});
});
