// What an answer says, in one sentence of the reader's language and with the reader's way of writing numbers. The server words its
// own sentence in English, for the terminal and the API.
import type { Answer, Figure, RetentionDetail, TrendSeries } from '$lib/api/types';
import { amountText } from '$lib/figures';
import { f, t } from '$lib/i18n/index.svelte';
import type { Interval, Question, Retention } from '$lib/questions';

/** Below this two periods are the same to a reader. */
const SAME = 0.0005;

function compared(now: unknown, before: unknown): string {
	const change = Number(now) / Number(before) - 1;
	if (before === null || before === undefined || !Number.isFinite(change)) return '';
	if (Math.abs(change) < SAME) return t('say.same');
	return t(change > 0 ? 'say.more' : 'say.less', { share: f.percent(Math.abs(change)) });
}

const over = (n: number, interval: Interval) => t(`say.over.${interval}`, { n });
const eventName = (name: string) => (name === '*' ? t('event.any') : name);

function trend(lines: TrendSeries[], intervals: number, interval: Interval, people: boolean): string {
	const total = (line: TrendSeries) => Number(line.total ?? Number.NEGATIVE_INFINITY);
	const line = [...lines].sort((a, b) => total(b) - total(a))[0];
	if (!line) return t('say.nothing');
	const value = people ? t('say.people', { n: Number(line.total) }) : line.unit === 'number' ? f.plain(Number(line.total)) : amountText(line.total, line.unit, line.currency);
	const what = lines.length > 1 ? t('say.largest', { label: line.label }) : line.label;
	return t('say.trend', { what, value, over: over(intervals, interval), compared: compared(line.total, line.compare_total) });
}

export function sayRetention(question: Retention, { cohorts, average }: Pick<RetentionDetail, 'cohorts' | 'average'>): string {
	const size = cohorts.reduce((sum, cohort) => sum + cohort.size, 0);
	const start = eventName(question.start.event);
	if (size === 0) return t('say.nobody', { event: start });
	const share = average[1] ?? null;
	const interval = t(`interval.${question.interval}`).toLowerCase();
	if (share === null) return t('say.retention_early', { people: t('say.people', { n: size }), start, interval });
	const key = question.first_time ? 'say.retention_first' : 'say.retention';
	return t(key, { start, back: eventName(question.back.event), share: f.percent(share), interval, later: question.on_or_after ? t('say.or_later') : '' });
}

export function sayFigures(figures: Figure[]): string {
	const of = (key: string) => figures.find((figure) => figure.key === key);
	const text = (key: string) => {
		const figure = of(key);
		return figure ? amountText(figure.value, figure.unit, figure.currency) : '–';
	};
	const revenue = of('revenue');
	return t('say.figures', { active: text('active_customers'), fresh: text('new_customers'), orders: text('orders'), revenue: text('revenue'), compared: compared(revenue?.value, revenue?.before) });
}

export function say(question: Question, answer: Answer): string {
	if (answer.kind === 'trend' && question.kind === 'trend') {
		return trend(answer.detail.series, answer.detail.starts.length, question.interval, question.series[0]?.measure === 'people');
	}
	if (answer.kind === 'funnel' && question.kind === 'funnel') {
		const { steps } = answer.detail;
		const [first, last] = [steps[0], steps[steps.length - 1]];
		if (!first || first.people === 0) return t('say.nobody', { event: first?.label ?? '' });
		const share = f.percent(last.of_first);
		return t('say.funnel', { began: t('say.people', { n: first.people }), first: first.label, done: f.number(last.people), share, steps: steps.length, window: question.window });
	}
	if (answer.kind === 'retention' && question.kind === 'retention') return sayRetention(question, answer.detail);
	if (answer.kind === 'rfm') {
		const { groups, customers } = answer.detail;
		const people = (key: string) => groups.find((group) => group.key === key)?.people ?? 0;
		const revenue = groups.reduce((sum, group) => sum + Number(group.revenue ?? 0), 0);
		const champions = groups.find((group) => group.key === 'champions');
		if (!customers) return t('say.no_buyers');
		const share = revenue > 0 ? f.percent(Number(champions?.revenue ?? 0) / revenue) : '–';
		return t('say.rfm', { customers: f.number(customers), champions: f.number(people('champions')), share, slipping: f.number(people('at_risk') + people('cannot_lose_them')) });
	}
	return answer.sentence;
}
