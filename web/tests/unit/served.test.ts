import { readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { served } from '../../src/lib/i18n/en/served';
import { problems as english } from '../../src/lib/i18n/en/problems';
import { problems as chinese } from '../../src/lib/i18n/zh/problems';
import { inChinese } from '../../src/lib/problem-words';
import { told } from '../../src/lib/i18n/told-in-chinese';
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

describe('what the server refuses', () => {
	/** All texts in the arguments of calls, as they are written. */
	function literals(text: string, from: number): string[] {
		const all: string[] = [];
		for (let i = from, depth = 0; i < text.length; i++) {
			if (text[i] === '"') {
				const end = text.indexOf('"', i + 1);
				all.push(text.slice(i + 1, end));
				i = end;
			} else if (text[i] === '(') depth += 1;
			else if (text[i] === ')' && --depth === 0) break;
		}
		return all;
	}
	const folder = new URL('../../../crates/server/src/', import.meta.url);
	const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.rs'));
	const unquoted = (file: string) => source(`server/src/${file}`).replace(/#\[cfg\(test\)\][\s\S]*$/, '');
	const CALL = /(?:Problem|Self)::(?:invalid|conflict|bad_request|forbidden|unauthorized|new|later)\(/g;
	/** Words for programs, and what holds nothing but what it is filled with. */
	const isWords = (text: string) => {
		const own = text.replace(/\{[^}]*\}/g, '');
		return /[a-z]{2}/i.test(own) && !/^[\w.[\]]+$/.test(own);
	};
	const said = files.flatMap((file) => {
		const text = unquoted(file);
		return [...text.matchAll(CALL)].flatMap((call) => literals(text, call.index + call[0].length - 1));
	});
	it('is known here in Chinese, all of it', () => {
		const texts = [...new Set(said)].filter(isWords).map((text) => text.replace(/\{[^}]*\}/g, 'something'));
		expect(texts.length).toBeGreaterThan(150);
		expect(texts.filter((text) => inChinese(text) === text)).toEqual([]);
	});
	it('has a Chinese sentence for each English one, with the same places', () => {
		const places = (text: string) => [...text.matchAll(/\{(\w+)\}/g)].map((it) => it[1]).sort();
		expect(Object.keys(chinese)).toEqual(Object.keys(english));
		for (const [key, text] of Object.entries(english)) expect(places((chinese as Record<string, string>)[key]), key).toEqual(places(text));
	});
	it('keeps the field it is of, and what nobody knows', () => {
		expect(inChinese('key: there is a segment with the key vip already; give another key')).toBe('key: 已有键为“vip”的分群；请换一个键');
		expect(inChinese('definition.variants[2].segment: there is no such segment')).toBe('definition.variants[2].segment: 没有该分群');
		expect(inChinese('asking.letters.email.invitation: the template does not lead to the survey in en, zh; add a link to {{ survey.url }}')).toBe('asking.letters.email.invitation: 该模板的 en, zh 版本没有指向问卷；请添加 {{ survey.url }} 链接');
		expect(inChinese('a journey becomes live only from paused or ending')).toBe('只有处于 paused or ending 的旅程才能变为 live');
		expect(inChinese('line 3: what is this')).toBe('line 3: what is this');
	});
});

describe('what the server says of events', () => {
	const text = source('server/src/api/timeline.rs').replace(/#\[cfg\(test\)\][\s\S]*$/, '');
	const said = [...text.slice(text.indexOf('pub fn order_item')).matchAll(/(?:format!\(|\(|"1 item|join\(&\[)"?([A-Za-z0-9][^"]*)"(?:\.to_owned|,|\))/g)].map((it) => it[1]);
	it('is known in Chinese, all of it', () => {
		for (const expected of ['Looked at {}', 'Rated {} {}', 'Answered {}', 'Money back', 'order {}', 'Order {number}']) expect(text).toContain(`"${expected}`);
		const patterns = said.filter((it) => /\{/.test(it) && /[a-z]{3}/.test(it.replace(/\{\w*\}/g, '')));
		expect(patterns.length).toBeGreaterThan(5);
		expect(patterns.map((it) => it.replace(/\{\w*\}/g, '5')).filter((it) => told(it) === it)).toEqual([]);
	});
	it('keeps what it is about', () => {
		expect(told('Rated Blue lamp 4')).toBe('评价：Blue lamp 4');
		expect(told('Order 30117, EUR 92.40')).toBe('订单 30117，EUR 92.40');
		expect(told('Looked at /lamps')).toBe('浏览了 /lamps');
		expect(told('Checkout Started')).toBe('Checkout Started');
	});
});
