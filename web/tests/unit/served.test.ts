import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { served } from '../../src/lib/i18n/en/served';
import { recognized } from '../../src/lib/served';

/** A source with its strings as they are read: lines that go on are one. */
const source = (path: string) => readFileSync(new URL(`../../../crates/${path}`, import.meta.url), 'utf8').replace(/\\\n\s*/g, '').replace(/\\"/g, '"');
const all = ['engagement/src/journey/check.rs', 'server/src/api/sending.rs', 'server/src/experimenting/metrics.rs'].map(source).join('\n');

describe('what the server says', () => {
	it('is said so by the server', () => {
		const every = /^it goes out each (day|week|month)/;
		const missing = Object.entries(served).filter(([, text]) => text.replace(every, '').split(/\{\w+\}/).some((part) => !all.includes(part)));
		expect(missing.map(([key]) => key)).toEqual([]);
	});
	it('of plans is known here, all of it', () => {
		const said = [...source('engagement/src/journey/check.rs').matchAll(/(?:error|warning)\(\s*"[a-z_]+",\s*[^,]+,\s*(?:format!\()?"([^"]+)"/g)].map((it) => it[1].replace(/\{\w*\}/g, 'something'));
		expect(said.length).toBeGreaterThan(35);
		expect(said.filter((text) => !recognized(text))).toEqual([]);
	});
	it('keeps what is filled in, and what nobody knows stays as it came', () => {
		expect(recognized('there is no segment `vip (old)`')).toEqual({ key: 'served.segment_unknown', params: { key: 'vip (old)' } });
		expect(recognized('it leads to `a`, which is no node')?.params).toEqual({ next: 'a' });
		expect(recognized('0.25 % of readers complained; above 0.3 % mailbox providers refuse mails.')?.params).toEqual({ share: '0.25' });
		expect(recognized('something new')).toBeUndefined();
		expect(recognized('choose a template or two')).toBeUndefined();
	});
});
