// Whom a survey asks by itself, and after what: how it is changed, and what it says in plain words.
import { eventClause } from '$lib/condition-sentence';
import { t, term } from '$lib/i18n/index.svelte';
import { readSpan } from '$lib/questions';
import { speaker } from '$lib/segments';
import { catalog } from '$lib/state/catalog.svelte';
import type { Asking, Definition, Kind, Letters, When } from '$lib/surveys';

export const OCCASIONS = ['links', 'event', 'entered', 'members'] as const;
export type Occasion = (typeof OCCASIONS)[number];
export const ASKING_CHANNELS = ['email', 'sms', 'whatsapp', 'push'] as const;
export const BASES = ['service', 'marketing'] as const;

export const occasionOf = (when: When | undefined): Occasion => (!when ? 'links' : 'event' in when ? 'event' : 'entered' in when ? 'entered' : 'members');

/** Another kind of occasion as it begins; a segment that was chosen stays. */
export function freshWhen(occasion: Occasion, before?: When): When | undefined {
	const segment = before && 'entered' in before ? before.entered.segment : before && 'members' in before ? before.members.segment : '';
	if (occasion === 'event') return { event: { name: 'Order Delivered', key: 'order_id', after: '2d' } };
	if (occasion === 'entered') return { entered: { segment } };
	return occasion === 'members' ? { members: { segment, per_day: 200 } } : undefined;
}

/** What is undefined, or says nothing, is not there. */
export const withField = <T extends object>(value: T, change: Partial<T>): T => Object.fromEntries(Object.entries({ ...value, ...change }).filter(([, it]) => it !== undefined && it !== null && it !== '')) as T;

export const basisOf = (asking: Asking): 'service' | 'marketing' => asking.basis ?? (['touchpoint', 'exit'].includes(asking.kind ?? 'touchpoint') ? 'service' : 'marketing');
/** The channels in the order in which they are tried; the last one stays. */
export function withChannel(channels: readonly string[], channel: string, is: boolean): string[] {
	const next = is ? [...channels.filter((it) => it !== channel), channel] : channels.filter((it) => it !== channel);
	return next.length ? next : [...channels];
}

/** The form of the templates of a channel. */
export const letterForm = (channel: string): 'email' | 'push' | 'text' => (channel === 'email' || channel === 'push' ? channel : 'text');
/** With another template for a message of a channel; without one it is the workspace's. */
export function withLetter(letters: Letters | undefined, channel: string, which: 'invitation' | 'reminder', key: string): Letters | undefined {
	const own = withField<{ invitation?: string; reminder?: string }>(letters?.[channel] ?? {}, { [which]: key });
	const next = { ...letters, [channel]: own };
	if (!Object.keys(own).length) delete next[channel];
	return Object.keys(next).length ? next : undefined;
}
/** The letters of the channels by which it asks. */
export function lettersOf(letters: Letters | undefined, channels: readonly string[]): Letters | undefined {
	const kept = Object.entries(letters ?? {}).filter(([channel]) => channels.includes(channel));
	return kept.length ? Object.fromEntries(kept) : undefined;
}

function span(text: string): string {
	const { count, unit } = readSpan(text);
	return t(`say.over.${({ s: 'second', m: 'minute', h: 'hour', d: 'day', w: 'week' } as const)[unit]}`, { n: count });
}
const delay = (after: string | undefined, late: 'occasion.after_event' | 'occasion.after_entering', soon: 'occasion.at_event' | 'occasion.at_entering', what: string) => (after ? t(late, { span: span(after), what }) : t(soon, { what }));

/** After what people are asked. */
export function sayWhen(when: When | undefined): string {
	const said = speaker();
	if (!when) return t('occasion.say.links');
	if ('event' in when) {
		const { name, where, key, after } = when.event;
		const what = delay(after, 'occasion.after_event', 'occasion.at_event', eventClause({ event: name, where: where ?? null }, said));
		return key ? t('occasion.say.event_key', { what, key }) : t('occasion.say.event', { what });
	}
	if ('entered' in when) return t('occasion.say.entered', { what: delay(when.entered.after, 'occasion.after_entering', 'occasion.at_entering', said.segment(when.entered.segment) || '…') });
	return t('occasion.say.members', { segment: said.segment(when.members.segment) || '…', n: when.members.per_day });
}

/** All that will happen by itself, a sentence each. */
export function sayAsking(asking: Asking, kind: Kind = asking.kind ?? 'touchpoint'): string[] {
	if (!asking.when) return [sayWhen(undefined)];
	const share = asking.sample_percent ?? 100;
	const channels = (asking.channels ?? ['email']).map((it) => term('group.channel', it));
	return [
		sayWhen(asking.when),
		share < 100 ? t('occasion.say.sample', { share }) : '',
		t(`occasion.say.basis.${basisOf({ ...asking, kind })}`),
		asking.topic ? t(`occasion.say.topic.${basisOf({ ...asking, kind })}`, { topic: catalog.topicName(asking.topic) }) : '',
		channels.length > 1 ? t('occasion.say.channels', { channels: channels.join(', ') }) : t('occasion.say.channel', { channel: channels[0] }),
		asking.letters && Object.keys(asking.letters).length ? t('occasion.say.letters') : '',
		asking.remind_after_days ? t('occasion.say.remind', { n: asking.remind_after_days }) : t('occasion.say.no_reminder'),
		asking.floor_days === undefined ? '' : t('occasion.say.floor', { n: asking.floor_days })
	].filter(Boolean);
}

/** What invitations by mail need of the letterhead and it does not say: without it none can be written. */
export function lackingFor(definition: Definition, letterhead: { name: string; address: string; url: string } | undefined): ('name' | 'address' | 'url')[] {
	const { when, channels = ['email'] } = definition.asking ?? {};
	if (!when || !letterhead || !channels.includes('email')) return [];
	return (['name', 'address', 'url'] as const).filter((field) => !letterhead[field].trim());
}
