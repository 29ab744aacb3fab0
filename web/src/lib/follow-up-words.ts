// Words for follow-ups.
import { f, t, term, words, type Key } from '$lib/i18n/index.svelte';
import type { FollowUp, FollowUpLine, FollowUpReason } from '$lib/follow-ups';
import { sourceName } from '$lib/text-words';

/** What a rule is called: ready ones in the reader's language, as long as nobody gave them a name of their own. */
export function ruleName(row: Pick<FollowUp, 'rule' | 'rule_name'>): string {
	const key = `follow_up.rule.${row.rule}`;
	const isOwn = row.rule_name && words.has(key) && words.language === 'en' && row.rule_name !== t(key);
	return words.has(key) && !isOwn ? t(key) : (row.rule_name ?? row.rule);
}

export const ownerName = (row: Pick<FollowUp, 'owner_name'>): string => row.owner_name ?? t('follow_up.nobody');

/** What was said, in a few words: the source with its score or stars. */
export function reasonLine(reason: FollowUpReason): string {
	const source = sourceName(reason.event_name);
	if (reason.number === null || reason.number === undefined) return source;
	const isStars = reason.event_name === 'Product Reviewed';
	return `${source}: ${isStars ? t('text.stars', { n: reason.number }) : t('follow_up.score', { n: f.plain(reason.number, 0) })}`;
}

/** What a line of the log says was done. */
export function lineText(line: FollowUpLine): string {
	const what = words.has(`follow_up.act.${line.act}`) ? t(`follow_up.act.${line.act}` as Key, { who: line.detail ?? t('follow_up.nobody') }) : line.act;
	if (line.act === 'contacted' && line.channel) return `${what}, ${term('follow_up.channel', line.channel).toLowerCase()}`;
	if (line.act === 'closed' && line.detail) return `${what}: ${term('follow_up.outcome', line.detail).toLowerCase()}`;
	if (line.act === 'snoozed') return line.detail ? t('follow_up.snoozed', { when: f.moment(line.detail) }) : t('follow_up.unsnooze');
	if ((line.act === 'reason' || line.act === 'heard') && line.detail) return `${what}: ${sourceName(line.detail)}`;
	return what;
}
