import { describe, expect, it } from 'vitest';
import { bodyOf, EMPTY, lacking, parted, turned } from '../../src/lib/notes';

describe('a note', () => {
	const said = { ...EMPTY, text: 'Words' };
	it('says what it lacks, the first thing first', () => {
		expect(lacking(' ', [])).toBe('title');
		expect(lacking('A', [EMPTY])).toBe('passage');
		expect(lacking('A', [{ ...said, person: '7' }])).toBe('consent');
		expect(lacking('A', [{ ...said, person: '7', consent: 'by mail' }, { ...EMPTY, person: '8' }])).toBeUndefined();
	});
	it('is parted at empty lines', () => {
		expect(parted('a\nb\n \n\nc\n').map((it) => it.text)).toEqual(['a\nb', 'c']);
	});
	it('offers a topic again that was taken out', () => {
		const put = turned({ ...said, suggested: ['a', 'b'] }, 'a');
		expect([put.topics, put.suggested]).toEqual([['a'], ['b']]);
		const out = turned(put, 'a');
		expect([out.topics, out.suggested]).toEqual([[], ['b', 'a']]);
	});
	it('sends no empty passage, no person without words, and no day that was not said', () => {
		const body = bodyOf('interview', ' A ', '', [{ ...said, topics: ['a'] }, EMPTY], 3);
		expect(body).toEqual({ kind: 'interview', title: 'A', passages: [{ text: 'Words', topics: ['a'] }], revision: 3 });
		expect(bodyOf('other', 'A', '2026-11-01', [said], 0)).toHaveProperty('held_at', '2026-11-01T12:00:00Z');
	});
});
