// What pages say about journeys, in the reader's language.
import { f, t, term, words } from '$lib/i18n/index.svelte';
import type { IconName } from '$lib/icons';
import { humanize } from '$lib/formatting';
import { readSpan } from '$lib/questions';
import { sayCondition, sayPart } from '$lib/segments';
import { session } from '$lib/state/session.svelte';
import { bodyOf, kindOf, nodeOf, type Awaited, type Plan, type PlanNode, type Step, type StepKind, type Wait } from './journeys';

export const STEP_ICONS: Record<StepKind, IconName> = { message: 'mail', wait: 'clock', wait_until: 'hourglass', branch: 'split', split: 'shuffle', set_trait: 'tag', list: 'list', webhook: 'radio', act: 'play', rate_limit: 'filter', goal: 'target', exit: 'log-out' };
const CHANNEL_ICONS: Record<string, IconName> = { email: 'mail', sms: 'message-square', whatsapp: 'message-square', push: 'bell', in_app: 'table-2' };
export const iconOf = (step: Step): IconName => ('message' in step ? (CHANNEL_ICONS[step.message.channel] ?? 'mail') : (STEP_ICONS[kindOf(step)] ?? 'circle-help'));

export const STATE_TONES: Record<string, string> = { draft: '', live: 'good', paused: 'warn', ending: 'on', stopped: '', finished: '' };
export const STATE_ICONS: Record<string, IconName> = { draft: 'pencil', live: 'circle-check', paused: 'pause', ending: 'clock', stopped: 'circle-stop', finished: 'check' };

export function saySpan(text: string): string {
	const { count, unit } = readSpan(text);
	return t(`journey.span.${unit}`, { n: count });
}

export const sayEvent = (name: string): string => (name === '*' ? t('event.any') : name || t('journey.says.something'));

export function sayAwaited(awaited: Awaited): string {
	if ('event' in awaited) return sayEvent(awaited.event.name);
	return awaited.condition ? sayPart(awaited.condition) : t('journey.says.something');
}

function sayWait(how: Wait): string {
	if ('for' in how) return t('journey.says.wait_for', { span: saySpan(how.for) });
	if ('usual_hour' in how) return t('journey.says.usual_hour');
	const { days, at, weekdays } = how.day;
	const what = days === 0 ? t('journey.says.wait_today', { at }) : t('journey.says.wait_day', { at, n: days });
	return weekdays?.length ? t('journey.says.wait_weekdays', { what, days: weekdays.map((day) => term('journey.day', day)).join(', ') }) : what;
}

/** What happens at a step, in a few words. `templates` are their names by key. */
export function sayStep(step: Step, templates: Record<string, string> = {}): string {
	if ('message' in step) return t('journey.says.message', { channel: term('channel', step.message.channel), template: step.message.template ? (templates[step.message.template] ?? humanize(step.message.template)) : t('journey.says.no_template') });
	if ('wait' in step) return sayWait(step.wait.how);
	if ('wait_until' in step) return t('journey.says.wait_until', { what: step.wait_until.paths.map((path) => sayAwaited(path.until)).join(t('journey.says.or')), span: saySpan(step.wait_until.timeout) });
	if ('branch' in step) return t('journey.says.branch', { n: step.branch.paths.length });
	if ('split' in step && step.split.policy) return t('policy.split.says', { policy: step.split.policy, arms: step.split.arms.map((arm) => arm.name).join(', ') });
	if ('split' in step) return t('journey.says.split', { arms: step.split.arms.map((arm) => `${arm.name} ${f.plain(arm.percent, 1)} %`).join(', ') });
	if ('set_trait' in step) return step.set_trait.value === null ? t('journey.says.take_trait', { name: step.set_trait.name || '…' }) : t('journey.says.set_trait', { name: step.set_trait.name || '…', value: typeof step.set_trait.value === 'string' ? step.set_trait.value : JSON.stringify(step.set_trait.value) });
	if ('list' in step) return t(step.list.on === false ? 'journey.says.list_off' : 'journey.says.list_on', { list: step.list.list || '…' });
	if ('webhook' in step) return t('journey.says.webhook', { url: step.webhook.url });
	if ('act' in step && step.act.action === 'give_points') return t('journey.says.give_points', { n: f.plain(Number(step.act.with?.points ?? 0), 0) });
	if ('act' in step && step.act.action === 'give_reward') return t('journey.says.give_reward', { reward: String(step.act.with?.reward ?? '…') });
	if ('act' in step) return t('journey.says.act', { action: step.act.action || '…' });
	if ('rate_limit' in step) return t('journey.says.rate_limit', { n: step.rate_limit.most, span: saySpan(step.rate_limit.per) });
	return t('goal' in step ? 'journey.says.goal' : 'journey.says.exit');
}

/** What a node is called: its own name, or what it does. */
export const sayNode = (node: PlanNode, templates: Record<string, string> = {}): string => node.name || sayStep(node.step, templates);
export const sayNodeOf = (plan: Plan, id: string, templates: Record<string, string> = {}): string => {
	const node = nodeOf(plan, id);
	return node ? sayNode(node, templates) : humanize(id);
};

/** What a way out of a step is called; `key` as the server counts it, or as `waysOf` names it. */
export function sayWay(step: Step | undefined, key: string): string {
	const [what, rest = ''] = key.split(/:(.*)/s);
	const place = Number(rest);
	if (what === 'path' && step) {
		if ('branch' in step) {
			const path = step.branch.paths[place];
			return path ? path.name || (path.when ? sayPart(path.when) : t('journey.way.path', { n: place + 1 })) : t('journey.way.path', { n: place + 1 });
		}
		if ('wait_until' in step && step.wait_until.paths[place]) return sayAwaited(step.wait_until.paths[place].until);
	}
	if (what === 'path') return t('journey.way.path', { n: place + 1 });
	if (what === 'arm') return step && 'split' in step && /^\d+$/.test(rest) && !step.split.arms.some((arm) => arm.name === rest) ? (step.split.arms[place]?.name ?? rest) : rest;
	if (words.has(`journey.end_why.${what}`) && !words.has(`journey.way.${what}`)) return sayEnd(key);
	return term('journey.way', what);
}

/** Why somebody left; a reason stands after a colon. */
export function sayEnd(why: string): string {
	const [what, reason] = why.split(':');
	const said = term('journey.end_why', what);
	return reason && words.has(`reason.${reason}`) ? `${said}: ${t(`reason.${reason}` as 'reason.gone')}` : said;
}

export const sayReason = (reason: string | null | undefined, sentence?: string | null): string => (reason && words.has(`reason.${reason}`) ? t(`reason.${reason}` as 'reason.gone') : (sentence ?? ''));

/** A wall clock's time, which is of no zone: said as it is. */
export const sayWall = (at: string): string => (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}/.test(at) ? new Intl.DateTimeFormat(words.locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' }).format(new Date(`${at.slice(0, 16)}:00Z`)) : at);

/** An instant on the clock of a person; on the workspace's where theirs is not known. */
export const sayClock = (at: string, zone?: string | null): string => new Intl.DateTimeFormat(words.locale, { dateStyle: 'medium', timeStyle: 'short', timeZone: zone ?? session.zone }).format(new Date(at));

export function sayEntry(plan: Plan): string {
	const entry = plan.entry;
	if ('event' in entry) return t('journey.entry_says.event', { event: sayEvent(entry.event.name) });
	if ('segment_entered' in entry) return t('journey.entry_says.segment_entered', { who: entry.segment_entered.when ? sayCondition(entry.segment_entered.when) : t('journey.says.something') });
	if ('segment_left' in entry) return t('journey.entry_says.segment_left', { who: entry.segment_left.when ? sayCondition(entry.segment_left.when) : t('journey.says.something') });
	if ('date' in entry) {
		const fact = entry.date.fact ? humanize(entry.date.fact.replace(/^trait\./, '')) : t('journey.says.something');
		const days = entry.date.days ?? 0;
		return days === 0 ? t('journey.entry_says.date', { fact }) : t(days < 0 ? 'journey.entry_says.date_before' : 'journey.entry_says.date_after', { n: Math.abs(days), fact });
	}
	if ('schedule' in entry) return entry.schedule.every ? t('journey.entry_says.every', { at: sayWall(entry.schedule.at), every: t(`journey.every_word.${entry.schedule.every}`) }) : t('journey.entry_says.schedule', { at: sayWall(entry.schedule.at) });
	return t('journey.entry_says.api');
}

export const templateOf = (step: Step): string | undefined => ('message' in step ? bodyOf(step, 'message').template : undefined);
export const workspaceClock = (): string => t('journey.clock.workspace', { zone: session.zone });
