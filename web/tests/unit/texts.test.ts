import { describe, expect, it } from 'vitest';
import { bubbleOptions, bubbleSize, type BubbleWords } from '../../src/lib/components/chart/bubbleOptions';
import type { Palette } from '../../src/lib/components/chart/timeOptions';
import { recommendations, type Responses } from '../../src/lib/recommendations';
import { moved, starShares } from '../../src/lib/reviews';
import { left, NOTHING, offered, pieces, since, slug, type Chosen, type TextCount, type TextReason } from '../../src/lib/texts';
import { alarms, bubbles, coherenceOf, span, stabilityOf, themeKey, type Theme } from '../../src/lib/themes';

const reason = (start: number, end: number, of = 'sentiment', weight = -0.5): TextReason => ({ start, end, of, weight, word: '' });

describe('the words that decided', () => {
	it('are marked where they stand, also where they overlap', () => {
		const found = pieces('so bad it hurts', [reason(3, 6), reason(3, 6, 'anger', 0.9), reason(10, 15)]);
		expect(found.map((it) => [it.text, it.reasons.length])).toEqual([['so ', 0], ['bad', 2], [' it ', 0], ['hurts', 1]]);
	});
	it('are counted in characters, as the server counts, not in halves of them', () => {
		expect(pieces('👍🏽 gut 好', [reason(3, 6)]).find((it) => it.reasons.length)?.text).toBe('gut');
	});
	it('never lose or double a part of the text, whatever places come', () => {
		const text = 'abcdef';
		for (let start = -1; start < 8; start++) for (let end = start; end < 9; end++) expect(pieces(text, [reason(start, end), reason(2, 4)]).map((it) => it.text).join('')).toBe(text);
		expect(pieces('', [])).toEqual([]);
	});
});

describe('what a further choice would leave', () => {
	const cell = (language: string, tone: string, stars: number | null, texts: number, anger: number): TextCount => ({ language, tone, stars, texts, event_name: 'Product Reviewed', feelings: { anger, joy: texts - anger } });
	const rows = [cell('en', 'negative', 1, 10, 8), cell('en', 'positive', 5, 20, 0), cell('de', 'negative', null, 5, 1)];
	const chosen = (some: Partial<Chosen>) => ({ ...NOTHING, ...some });
	it('is counted over the others, and not over itself', () => {
		expect(left(rows, NOTHING)).toBe(35);
		expect(left(rows, chosen({ tone: 'negative', feeling: 'anger' }))).toBe(9);
		expect(offered(rows, chosen({ tone: 'positive' }), 'tone')).toEqual([['positive', 20], ['negative', 15]]);
		expect(offered(rows, chosen({ tone: 'negative' }), 'language')).toEqual([['en', 10], ['de', 5]]);
		expect(offered(rows, chosen({ feeling: 'anger' }), 'language')).toEqual([['en', 8], ['de', 1]]);
		expect(offered(rows, chosen({ language: 'en', feeling: 'anger' }), 'feeling')).toEqual([['joy', 22], ['anger', 8]]);
	});
	it('leaves out what nothing is left of, and what has no value', () => {
		expect(offered(rows, chosen({ feeling: 'anger' }), 'stars')).toEqual([['1', 8]]);
	});
	it('agrees with going through the cells one by one', () => {
		for (const tone of ['', 'negative', 'positive']) for (const language of ['', 'en', 'de']) for (const stars of ['', '1', '5']) {
			const slow = rows.filter((row) => (!tone || row.tone === tone) && (!language || row.language === language) && (!stars || String(row.stars) === stars)).reduce((sum, row) => sum + row.texts, 0);
			expect(left(rows, chosen({ tone, language, stars }))).toBe(slow);
		}
	});
});

describe('periods', () => {
	it('begin at a full hour, so that a page asks the same again', () => {
		const now = Date.parse('2026-11-21T20:59:59Z');
		expect(since('7d', now)).toBe('2026-11-14T20:00:00.000Z');
		expect(since('all', now)).toBeNull();
		expect(span('30d', now)).toEqual({ from: '2026-10-22T21:00:00.000Z', to: '2026-11-21T21:00:00.000Z' });
	});
	it('and events have a word by their name', () => expect(slug(' Product Reviewed')).toBe('product_reviewed'));
});

const theme = (words: string, more: Partial<Theme> = {}): Theme => ({ words: words.split(' '), texts: 40, texts_before: 20, negative_share: 0.2, negative_share_before: 0.2, volume: 'steady', feeling: 'steady', factor: 1, factor_between: [0.8, 1.2] as never, coherence: 0.2, quotes: [], sentiment: 0.1, people: 30, course: [], event_ids: [], ...more });

describe('themes', () => {
	const list = [theme('fit size'), theme('late parcel', { volume: 'growing', factor: 2, negative_share: 0.8 }), theme('voucher code', { volume: 'new', factor: null, texts_before: 0 }), theme('gone', { texts: 0, volume: 'new', sentiment: null }), theme('zip broke', { factor: 64, feeling: 'worse', negative_share: 0.9 })];
	it('that are new, grow or turn worse are looked at, the worst first', () => {
		expect(alarms(list).map(themeKey)).toEqual(['zip.broke', 'late.parcel', 'voucher.code']);
	});
	it('stand where they moved; what is new stands beyond, what is far at the edge', () => {
		const { bubbles: placed, doublings } = bubbles(list);
		const at = (key: string) => placed.find((it) => themeKey(it.theme) === key);
		expect(doublings).toBe(3);
		expect([at('fit.size')!.x, at('late.parcel')!.x, at('voucher.code')!.x, at('zip.broke')!.x]).toEqual([0, 1, 3.6, 3]);
		expect(at('gone')).toBeUndefined();
		expect(bubbles([]).doublings).toBe(1);
	});
	it('are told with plain words of how firm they are', () => {
		expect([0.9, 0.6, 0.2].map(stabilityOf)).toEqual(['firm', 'mostly', 'first_look']);
		expect([0.3, 0.1, -0.2].map(coherenceOf)).toEqual(['well', 'loosely', 'hardly']);
	});
	const palette: Palette = { series: ['#1', '#2', '#3', '#4', '#5', '#6'], text: [], ink: '#000', ink3: '#333', grid: '#eee', line: '#ddd', surface: '#fff', font: 'sans' };
	const words: BubbleWords = { name: (it) => it.theme.words[0], lines: () => ['<b>'], times: String, fresh: 'new', good: '', bad: '', narrow: false };
	it('are drawn with their area by texts, and text from outside stays text', () => {
		expect(bubbleSize(0, 100, false)).toBe(10);
		expect((bubbleSize(100, 100, false) - 10) / (bubbleSize(25, 100, false) - 10)).toBe(2);
		const drawn = bubbleOptions(bubbles([theme('<img> x')]), palette, words, 'says') as { series: { data: { bubble: object }[] }[]; tooltip: { formatter: (at: unknown) => string } };
		expect(drawn.tooltip.formatter({ data: drawn.series[0].data[0] })).toBe('<b>&lt;img&gt;</b><br/>&lt;b&gt;');
	});
});

describe('reviews', () => {
	it('have shares of stars, five first', () => {
		expect(starShares([1, 0, 0, 0, 3]).map((it) => [it.stars, it.share])).toEqual([[5, 0.75], [4, 0], [3, 0], [2, 0], [1, 0.25]]);
		expect(starShares([0, 0, 0, 0, 0])[0].share).toBe(0);
	});
	it('say what those that wait change, where that is worth a word', () => {
		const mean = (value: number) => ({ mean: value, low: 1, high: 5, reviews: 9, few: true });
		expect(moved({ all: mean(4.2), shown: mean(4.0) })).toBeCloseTo(0.2);
		expect(moved({ all: mean(4.02), shown: mean(4.0) })).toBeNull();
		expect(moved({ all: mean(4), shown: null })).toBeNull();
	});
});

describe('what somebody said of recommending us', () => {
	const response = (at: string, kind: string, number: number | null): Responses['rows'][number] => ({ id: at, survey: 's', version: 1, wave: 1, source: 'link', state: 'completed', language: 'en', started_at: '2026-01-01T00:00:00Z', completed_at: at, answers: [{ question: 'q', part: '', kind, number }] });
	it('is there newest first, without blanks and other questions', () => {
		const rows = [response('2026-03-01T00:00:00Z', 'nps', 9), response('2026-06-01T00:00:00Z', 'csat', 2), response('2026-05-01T00:00:00Z', 'nps', 6), response('2026-07-01T00:00:00Z', 'nps', null)];
		expect(recommendations(rows).map((it) => it.score)).toEqual([6, 9]);
	});
});
