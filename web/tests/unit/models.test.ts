import { describe, expect, it } from 'vitest';
import { addressed, behind, featureValue, hold, isBusy, matrix, reason, riskReason, span, triggerSteps, triggerWords, verdict, type Model } from '$lib/models';
import { bandPath, rowToTell, stepPath } from '$lib/churn-when';
import { models } from '$lib/i18n/en/models';
import { fill } from '$lib/i18n/fill';

const say = (key: string, params: Record<string, string | number> = {}) => fill((models as Record<string, string>)[key] ?? key, params, 'en-GB');
const figure = { number: (value: number, digits = 0) => value.toFixed(digits), money: (value: number) => `€${value}`, percent: (value: number) => `${Math.round(100 * value)}%` };

describe('models', () => {
	it('says reasons in words, and what it does not know as the server says it', () => {
		expect(reason({ code: 'once', numbers: [12], text: 'x' }, say as never, figure)).toBe('Bought once, 12 days ago.');
		expect(reason({ code: 'late', numbers: [90, 30], text: 'x' }, say as never, figure)).toBe('The last time was 90 days ago, long after the usual 30.');
		expect(reason({ code: 'spends_more', numbers: [60, 40], text: 'x' }, say as never, figure)).toBe('Spends €60 a purchase; all customers €40.');
		expect(reason({ code: 'moon', numbers: [], text: 'The moon.' }, say as never, figure)).toBe('The moon.');
	});

	it('says why a risk is what it is, and what is not known', () => {
		const has = (key: string) => key in models;
		const why = (code: string, numbers: number[]) => riskReason({ code, raises: true, adds: 1, numbers, text: 'As the server says.' }, say as never, has, figure);
		expect(why('since', [81.4])).toBe('Bought last 81 days ago.');
		expect(why('alive', [0.22])).toBe('By how they bought, 22% that they are still there.');
		expect(why('purchases_trend', [2])).toBe('Purchases in 90 days beside the 90 before: +2.');
		expect(why('unknown.recommends_last', [])).toBe('Not known: would they recommend us.');
		expect(why('moon', [1])).toBe('As the server says.');
		expect(featureValue('spend_365', 12, figure)).toBe('€12');
		expect(featureValue('lateness', 1.26, figure)).toBe('1.3');
	});

	it('says what comes before a loss, and who has it keeps its place in the address', () => {
		const has = (key: string) => key in models;
		const words = (steps: string[][]) => triggerWords(steps, say as never, has, (key) => key.toUpperCase());
		expect(words([['bought:discount'], ['refunded', 'asked:topic=return']])).toBe('bought with a discount, then got money back and asked for help (RETURN)');
		expect(words([['wrote:topic=seams'], ['moon:a=b']])).toBe('wrote badly of it (SEAMS), then moon:a=b');
		expect(triggerSteps('bought > refunded + asked:topic=return')).toEqual([['bought'], ['refunded', 'asked:topic=return']]);
		expect(behind(new URLSearchParams('trigger=complained'))).toMatchObject({ trigger: 'complained' });
		expect(addressed({ trigger: 'complained' })).toMatchObject({ trigger: 'complained', part: null });
	});

	it('says why there is no version, and why one is held', () => {
		expect(verdict({ code: 'too_few_people', have: 12, need: 100, text: '' }, say as never)).toContain('12 have bought');
		expect(verdict({ code: 'new', have: 0, need: 0, text: 'Something else.' }, say as never)).toBe('Something else.');
		expect(hold({ code: 'people_missing', before: 100, now: 70, text: '' }, say as never, figure)).toContain('70 people, the version before from 100');
		expect(hold({ code: 'foretells_worse', before: 0, now: -0.02, text: '' }, say as never, figure)).toContain('by 0.020 a person');
	});

	it('names classes and puts cells into rows', () => {
		expect([span(1, 2, say as never, 1), span(4, 6, say as never, 1), span(10, undefined, say as never, 1), span(4, 8, say as never)]).toEqual(['1', '4 to 5', '10 and more', '4 to 8']);
		const cell = (purchases: number, weeks: number) => ({ part: `f${purchases}r${weeks}`, purchases, weeks, people: 1, alive: 0.5, value: 1 });
		expect(matrix([cell(1, 0), cell(1, 4), cell(2, 0)]).map((row) => row.cells.length)).toEqual([2, 1]);
	});

	it('reads whose scores are asked for from the address', () => {
		expect(behind(new URLSearchParams('by=market'))).toBeNull();
		expect(behind(new URLSearchParams('tenth=10'))).toMatchObject({ tenth: 10 });
		expect(behind(new URLSearchParams('tenth=x'))).toBeNull();
		expect(behind(new URLSearchParams('from=0&to=5'))).toMatchObject({ from: 0, to: 5 });
	});

	it('keeps in the address who has waited so long', () => {
		expect(behind(new URLSearchParams('lapse=lapsing'))).toMatchObject({ lapse: 'lapsing' });
		expect(behind(new URLSearchParams('lapse=gone'))).toBeNull();
		expect(addressed({ lapse: 'lapsed' })).toMatchObject({ lapse: 'lapsed', trigger: null });
	});

	it('draws when people buy again as steps, with the interval around them', () => {
		const sure = (value: number, width: number) => ({ value, low: value - width, high: value + width });
		const points = [{ weeks: 1, share: sure(0.2, 0.1), waiting: 80 }, { weeks: 2, share: sure(0.5, 0.2), waiting: 50 }];
		const [x, y] = [(at: number) => 10 * at, (at: number) => 100 - 100 * at];
		expect(stepPath(points, x, y)).toBe('M0 100H10V80H20V50');
		expect(bandPath(points, x, y)).toBe('M0 100H10V70H20V30V70V90H10V100H0Z');
		expect(bandPath([], x, y)).toBe('');
	});

	it('speaks of the last week that is known of the first quarter', () => {
		const row = (weeks: number, value: number | null) => ({ weeks, share: value === null ? null : { value, low: value, high: value }, waiting: 1, later: null });
		const waits = (rows: ReturnType<typeof row>[]) => ({ people: 40, bought_again: 20, verdict: null, known_days: 100, weeks: rows, curve: [], half: { days: null, low: null, high: null } });
		expect(rowToTell(waits([row(1, 0.1), row(8, 0.4), row(13, 0.5), row(26, 0.6)]))?.weeks).toBe(13);
		expect(rowToTell(waits([row(1, 0.1), row(8, 0.4), row(13, null)]))?.weeks).toBe(8);
		expect(rowToTell(waits([row(1, null)]))).toBeUndefined();
	});

	it('knows when to ask again', () => {
		const model = (fit: string, scoring: string) => ({ fit: { state: fit, done: 0, total: null }, scoring: { state: scoring, done: 0, total: null } }) as unknown as Model;
		expect([isBusy(model('done', 'done')), isBusy(model('queued', 'done')), isBusy(model('done', 'running'))]).toEqual([false, true, true]);
	});
});
