import { describe, expect, it } from 'vitest';
import { entryName, type ListEntry, nearness, offered } from '../../src/lib/complaints';

describe('lists of complaints', () => {
	const list: ListEntry[] = [{ key: 'fax', name: { en: 'Fax', zh: '传真' }, is_retired: true }, { key: 'shop', name: { de: 'Laden' } }];
	it('name their entries in the reader’s language, or another, or by the key', () => {
		expect([entryName(list, 'fax', 'zh'), entryName(list, 'shop', 'zh'), entryName(list, 'gone', 'zh'), entryName(list, null, 'zh')]).toEqual(['传真', 'Laden', 'gone', '']);
	});
	it('offer what is not retired, and what is chosen already', () => {
		expect(offered(list).map((it) => it.key)).toEqual(['shop']);
		expect(offered(list, 'fax').map((it) => it.key)).toEqual(['fax', 'shop']);
		expect(offered(undefined)).toEqual([]);
	});
});

describe('a time by which something should happen', () => {
	const now = Date.parse('2026-11-21T12:00:00Z');
	it('is late from its moment on, and near in the four hours before', () => {
		expect(['2026-11-21T12:00:00Z', '2026-11-21T16:00:00Z', '2026-11-21T16:00:01Z', null].map((due) => nearness(due, now))).toEqual(['late', 'near', 'calm', 'calm']);
	});
});
