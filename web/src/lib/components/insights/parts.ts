// Names the people behind a number, for the head of the panel that lists them.
import type { Answer, Part } from '$lib/api/types';
import { f, t, term } from '$lib/i18n/index.svelte';
import type { Question } from '$lib/questions';

export function partTitle(part: Part, question: Question, answer: Answer | undefined): string {
	if ('series' in part) {
		const series = answer?.kind === 'trend' ? answer.detail.series.find((s) => s.series === part.series && (s.breakdown ?? undefined) === part.breakdown)?.label : '';
		const interval = question.kind === 'trend' ? question.interval : 'day';
		return [series, f.period(part.start, interval, true)].filter(Boolean).join(', ');
	}
	if ('step' in part) {
		const label = answer?.kind === 'funnel' ? (answer.detail.steps[part.step - 1]?.label ?? '') : '';
		const text = part.stage === 'reached' ? t('people.reached', { step: label }) : t('people.dropped', { step: label });
		return part.breakdown ? `${text}, ${part.breakdown}` : text;
	}
	if ('cohort' in part) {
		const interval = question.kind === 'retention' ? question.interval : 'month';
		return t('people.cohort', { cohort: f.period(part.cohort, interval, true), i: part.interval });
	}
	if ('group' in part) return term('rfm', part.group);
	return t('people.cell', { r: part.r, f: part.f });
}
