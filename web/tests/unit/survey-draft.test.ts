import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { behindQuery, behindText, readBehind } from '../../src/lib/survey-behind';
import { bounds, planeOptions, sideOf, trendOptions, type Plane, type TrendPoint } from '../../src/lib/survey-charts';
import * as draft from '../../src/lib/survey-draft';
import { qrCode } from '../../src/lib/qr';
import type { Definition, Show } from '../../src/lib/surveys';

const question = (key: string, more = {}) => ({ key, text: { en: key }, answer: { kind: 'nps' as const }, ...more });
const survey = (): Definition => ({
	title: { en: 'T', zh: '标题' },
	default_language: 'en',
	pages: [
		{ questions: [question('a'), question('b', { show_if: { all: [{ question: 'a', at_most: 6 }, { not: { question: 'a', answered: false } }] } })] },
		{ title: { en: 'Two' }, questions: [question('c', { text: { en: 'Why {{ answers.a|default("x") }}, not {{ answers.ab|default("y") }}?', zh: '' }, hint: { en: 'h', zh: 'z' } })] }
	],
	quotas: [{ key: 'q', when: { question: 'a', at_least: 9 }, most: 10 }],
	ends: [{ when: { any: [{ question: 'a', at_most: 6 }, { question: 'c', answered: true }] }, text: { en: 'Bye' } }]
});
const order = (it: Definition) => it.pages.map((page) => page.questions.map((own) => own.key).join('')).join('|');
const words = { language: 'en', choice: (n: number) => `Choice ${n}`, functional: 'With?', dysfunctional: 'Without?' };

describe('a survey that is written', () => {
	it('moves questions within a page and onto the next one, and nowhere beyond', () => {
		const written = survey();
		expect(order(draft.moveQuestion(written, 'a', 1))).toBe('ba|c');
		expect(order(draft.moveQuestion(written, 'b', 1))).toBe('a|bc');
		expect(order(draft.moveQuestion(written, 'c', -1))).toBe('abc|');
		expect(draft.moveQuestion(written, 'a', -1)).toBe(written);
		expect(draft.moveQuestion(written, 'c', 1)).toBe(written);
		expect(order(written)).toBe('ab|c');
	});
	it('keeps the questions of a page that is taken away', () => {
		expect(order(draft.removePage(survey(), 0))).toBe('abc');
		expect(order(draft.removePage(survey(), 1))).toBe('abc');
		expect(draft.removePage(draft.removePage(survey(), 1), 0).pages.length).toBe(1);
	});
	it('renames a question where it is tested and quoted, and no other one', () => {
		const renamed = draft.renameKey(survey(), 'a', 'nps');
		const text = JSON.stringify(renamed);
		expect(text.match(/"question":"nps"/g)?.length).toBe(4);
		expect(text.includes('"question":"a"')).toBe(false);
		expect(renamed.pages[1].questions[0].text.en).toBe('Why {{ answers.nps|default("x") }}, not {{ answers.ab|default("y") }}?');
		expect(order(renamed)).toBe('npsb|c');
	});
	it('has keys of their own for what is new', () => {
		const [one, first] = draft.addQuestion(survey(), 0, 0, 'nps', words);
		const [two, second] = draft.addQuestion(one, 1, 0, 'nps', words);
		expect([first, second, order(two)]).toEqual(['nps', 'nps_2', 'npsab|nps_2c']);
		const [copied, key] = draft.copyQuestion(survey(), 'b');
		expect([key, order(copied)]).toEqual(['b_2', 'abb_2|c']);
		expect(draft.freshAnswer('multiple', words, { kind: 'single', choices: [{ key: 'k', text: {} }] })).toEqual({ kind: 'multiple', choices: [{ key: 'k', text: {} }] });
		expect(draft.freshAnswer('scale', words, { kind: 'nps', low: { en: 'no' } })).toEqual({ kind: 'scale', from: 1, to: 5, direction: 'up', low: { en: 'no' } });
	});
	it('counts what is translated, and forgets a language with all its texts', () => {
		expect(draft.translated(survey(), 'zh')).toEqual({ said: 2, of: 7 });
		const without = draft.removeLanguage(survey(), 'zh');
		expect(JSON.stringify(without).includes('zh')).toBe(false);
		expect(draft.removeLanguage(survey(), 'en')).toEqual(survey());
		const added = draft.addLanguage(survey(), 'de');
		expect(draft.tidy(added).title).toEqual({ en: 'T', zh: '标题', de: '' });
		expect(draft.tidy(added).pages[1].questions[0].text).toEqual({ en: survey().pages[1].questions[0].text.en });
	});
	it('leads findings to where they can be mended', () => {
		const places = ['title', 'a', 'c.hint', 'pages[1].title', 'ends[0].text', 'quotas[0]', 'asking.sample_percent', 'pages', 'what-is-that'];
		expect(places.map((place) => draft.partOf(survey(), place))).toEqual(['start', 'a', 'c', 'page.1', 'end.0', 'quota.0', 'asking', 'page.0', 'start']);
	});
});

describe('when a question is shown, as rows', () => {
	it('comes out as it went in', () => {
		const shows: (Show | undefined)[] = [undefined, { question: 'a', at_most: 6 }, { not: { question: 'a', is: ['x'] } }, { all: [{ question: 'a', at_most: 6 }, { not: { question: 'b', answered: false } }] }, { any: [{ question: 'a', is: ['x', 'y'] }, { question: 'b', at_least: 1, at_most: 2 }] }];
		for (const show of shows) expect(draft.showOf(draft.rowsOf(show)!)).toEqual(show);
		expect(draft.rowsOf({ all: [{ any: [{ question: 'a' }] }] })).toBeNull();
	});
	it('asks what can be answered', () => {
		const single = { key: 's', text: {}, answer: { kind: 'single' as const, choices: [{ key: 'x', text: {} }], other: true } };
		expect(draft.kindsFor(single)).toEqual(['is', 'answered', 'unanswered']);
		expect(draft.kindsFor(question('a'))).toEqual(['at_most', 'at_least', 'between', 'answered', 'unanswered']);
		expect(draft.freshTest(question('a'))).toEqual({ question: 'a', at_most: 6 });
		expect(draft.freshTest(single)).toEqual({ question: 's', is: ['x'] });
		for (const kind of draft.kindsFor(question('a'))) expect(draft.testKind(draft.freshTest(question('a'), kind))).toBe(kind);
	});
	it('looks at what comes before', () => {
		expect(draft.before(survey(), 'b').map((it) => it.key)).toEqual(['a']);
		expect(draft.before(survey(), null).map((it) => it.key)).toEqual(['a', 'b', 'c']);
	});
});

describe('the way to the answers behind a number', () => {
	it('keeps to what it knows', () => {
		const behind = { question: 'nps', at_most: 6, by: 'channel', group: '' };
		expect(readBehind(behindText(behind))).toEqual(behind);
		expect(behindQuery(behind)).toBe('question=nps&at_most=6&by=channel&group=');
		expect(readBehind('{"question":1,"at_least":"3","at_most":1.5,"who":"x","state":"partial"}')).toEqual({ state: 'partial' });
		expect([readBehind('[1]'), readBehind('no'), readBehind(null)]).toEqual([null, null, null]);
	});
});

describe('pictures of scores', () => {
	const palette = { series: ['#1', '#2', '#3', '#4', '#5', '#6', '#7', '#8'], text: [], ink: '#i', ink3: '#j', grid: '#g', line: '#l', surface: '#s', font: 'f' };
	const point = (value: number | null, more: Partial<TrendPoint> = {}): TrendPoint => ({ name: 'n', lines: ['<b>'], value, low: value === null ? null : value - 10, high: value === null ? null : value + 10, few: false, open: false, changed: false, ...more });
	it('leave room around intervals and end where the measure does', () => {
		expect(bounds([point(0), point(20)], -100, 100)).toEqual([-14, 34]);
		expect(bounds([point(95)], -100, 100)[1]).toBe(100);
		expect(bounds([point(null)], 0, 1)).toEqual([0, 1]);
	});
	it('draw the interval as a band, gaps where nobody answered, and hollow marks for few answers', () => {
		const options = trendOptions([point(10), point(null), point(20, { few: true, changed: true, open: true })], [-100, 100], String, palette);
		const [low, band, line] = options.series as { data: unknown[]; markArea?: unknown }[];
		expect(low.data).toEqual([0, null, 10]);
		expect(band.data).toEqual([20, null, 20]);
		expect(line.data).toMatchObject([{ value: 10, symbol: 'circle' }, { value: null }, { value: 20, symbol: 'emptyCircle', symbolSize: 12 }]);
		expect(line.markArea).toBeTruthy();
		const said = (options.tooltip as { formatter: (at: { dataIndex: number }[]) => string }).formatter([{ dataIndex: 0 }]);
		expect(said.includes('&lt;b&gt;') && !said.includes('<b>')).toBe(true);
	});
	it('put labels to the side that has room', () => {
		const plane = { x: { min: 0, max: 10 } } as Plane;
		expect([sideOf(plane, { x: 9 }), sideOf(plane, { x: 2 })]).toEqual(['left', 'right']);
		const whole: Plane = { x: { name: 'x', min: 0, max: 1, format: String }, y: { name: 'y', min: 0, max: 1, format: String }, parted: [0.5, 0.5], quarters: ['a', 'b', 'c', 'd'], narrow: false };
		const options = planeOptions([{ label: '<i>', lines: [], x: 0.2, y: 0.4, x_between: [0.1, 0.3], y_between: [0.3, 0.5], kind: 1, hollow: true }], whole, palette);
		const [between, points] = options.series as { data: unknown[] }[];
		expect(between.data).toEqual([[0.2, 0.4, 0.1, 0.3, 0.3, 0.5]]);
		expect(points.data).toMatchObject([{ value: [0.2, 0.4], symbol: 'rect', itemStyle: { color: '#s', borderColor: '#2' } }]);
	});
});

describe('a QR code', () => {
	// Read back by ZXing as the very text, level M.
	it('is the one that readers understand', () => {
		const hash = (text: string) => {
			const code = qrCode(text)!;
			return [code.length, createHash('sha256').update(code.map((row) => row.map((on) => (on ? 1 : 0)).join('')).join('\n')).digest('hex').slice(0, 16)];
		};
		expect(hash('A')).toEqual([21, 'bc9009ae87ca68f1']);
		expect(hash(`https://shop.example/s/${'x7Q-_'.repeat(20)}`)).toEqual([49, '2db30d250e6f0012']);
		expect(hash(`https://shop.example/s/${'x7Q-_'.repeat(50)}`)).toEqual([65, 'a1bf0a30b75f4668']);
		expect(qrCode('x'.repeat(2000))).toBeNull();
	});
});
