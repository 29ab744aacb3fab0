import { beforeAll, describe, expect, it } from 'vitest';
import { words } from '../../src/lib/i18n/index.svelte';
import { basisOf, freshWhen, lackingFor, letterForm, lettersOf, occasionOf, sayAsking, withChannel, withField, withLetter } from '../../src/lib/survey-asking';
import { courseOf, wayQuery } from '../../src/lib/survey-invitations';
import type { Definition } from '../../src/lib/surveys';

beforeAll(() => words.with('feedback'));

describe('whom a survey asks', () => {
	it('is said in plain words', () => {
		const where = { property: { path: 'total', op: 'at_least' as const, value: 50 } };
		const said = sayAsking({ when: { event: { name: 'Order Delivered', where, key: 'order_id', after: '2d' } }, sample_percent: 25, channels: ['sms', 'email'], remind_after_days: 1, floor_days: 60 });
		expect(said[0]).toMatch(/^2 days after .*Order Delivered.* total .*50, whoever it happened to is asked, once for each order_id\.$/);
		expect(said.slice(1)).toEqual(['Of them 25 % are asked, within a wave always the same people.', 'Whoever refused to be written to is not.', 'They are invited by the first of these that reaches them: Text message, E-mail.', 'Who has not answered after 1 day is reminded once, by the same channel.', 'Nobody gets it again within 60 days.']);
		expect(sayAsking({ kind: 'relationship', when: { members: { segment: 'buyers', per_day: 200 } } })).toEqual(['All members of “buyers” are asked once in each wave, 200 a day, evenly over the day.', 'Only those are who agreed to be written to.', 'They are invited by this channel: E-mail.', 'Nobody is reminded.']);
		expect(sayAsking({ when: { entered: { segment: 'promised', after: '1h' } } })[0]).toBe('1 hour after somebody comes into “promised”, they are asked. Who was in it before the opening is not.');
		expect(sayAsking({ when: { entered: { segment: 'promised' } }, topic: 'news' })[2]).toBe('Nor is whoever refused “news”.');
		expect(sayAsking({ when: { entered: { segment: 'promised' } }, topic: 'news', basis: 'marketing' })[2]).toBe('What they said of “news” decides.');
		expect(sayAsking({ sample_percent: 10 })).toHaveLength(1);
	});
	it('keeps the segment when the occasion changes, and is of one kind', () => {
		const members = freshWhen('members', { entered: { segment: 'promised', after: '1h' } });
		expect(members).toEqual({ members: { segment: 'promised', per_day: 200 } });
		expect([occasionOf(undefined), occasionOf(members), occasionOf(freshWhen('event')), occasionOf(freshWhen('entered'))]).toEqual(['links', 'members', 'event', 'entered']);
		expect(freshWhen('links', members)).toBeUndefined();
	});
	it('leaves away what says nothing', () => {
		expect(withField({ name: 'A', key: 'order_id', after: '2d' } as { name: string; key?: string; after?: string }, { key: undefined, after: '1h' })).toEqual({ name: 'A', after: '1h' });
		expect([withChannel(['email'], 'sms', true), withChannel(['email', 'sms'], 'email', false), withChannel(['email'], 'email', false)]).toEqual([['email', 'sms'], ['sms'], ['email']]);
		expect([{}, { kind: 'exit' as const }, { kind: 'research' as const }, { kind: 'research' as const, basis: 'service' as const }].map(basisOf)).toEqual(['service', 'service', 'marketing', 'service']);
	});
	it('asks with letters of its own where it names them', () => {
		const mail = withLetter(undefined, 'email', 'invitation', 'ours');
		expect(mail).toEqual({ email: { invitation: 'ours' } });
		const both = withLetter(withLetter(mail, 'email', 'reminder', 'again'), 'sms', 'invitation', 'short');
		expect(both).toEqual({ email: { invitation: 'ours', reminder: 'again' }, sms: { invitation: 'short' } });
		expect(withLetter(both, 'sms', 'invitation', '')).toEqual({ email: { invitation: 'ours', reminder: 'again' } });
		expect([withLetter(mail, 'email', 'invitation', ''), lettersOf(mail, ['sms']), lettersOf(undefined, ['email'])]).toEqual([undefined, undefined, undefined]);
		expect(lettersOf(both, ['sms'])).toEqual({ sms: { invitation: 'short' } });
		expect(['email', 'sms', 'whatsapp', 'push'].map(letterForm)).toEqual(['email', 'text', 'text', 'push']);
		const when = { entered: { segment: 'a' } };
		expect([sayAsking({ when, letters: mail }), sayAsking({ when })].map((said) => said.some((it) => it.includes('of this survey’s own')))).toEqual([true, false]);
	});
	it('cannot be written to without the letterhead, if by mail', () => {
		const definition = (asking: Definition['asking']) => ({ asking }) as Definition;
		const when = { entered: { segment: 'a' } };
		const bare = { name: 'Shop', address: ' ', url: '' };
		expect([lackingFor(definition({ when }), bare), lackingFor(definition({ when, channels: ['sms'] }), bare), lackingFor(definition({}), bare), lackingFor(definition({ when }), undefined)]).toEqual([['address', 'url'], [], [], []]);
	});
});

describe('the course of an invitation', () => {
	const row = (state: string, more = {}) => ({ state, delivered_at: null, opened_at: null, answered_at: null, ...more });
	it('is as far as it came', () => {
		const at = '2026-11-21T20:00:00Z';
		expect([row('waiting'), row('suppressed'), row('undelivered'), row('invited'), row('invited', { delivered_at: at }), row('invited', { opened_at: at }), row('suppressed', { answered_at: at })].map(courseOf)).toEqual(['waiting', 'suppressed', 'undelivered', 'invited', 'delivered', 'opened', 'answered']);
	});
	it('is asked for step by step', () => {
		expect([wayQuery(''), wayQuery('suppressed'), wayQuery('unopened'), wayQuery('unanswered'), wayQuery('answered')]).toEqual([{}, { state: 'suppressed' }, { state: 'invited', opened: false }, { opened: true, answered: false }, { answered: true }]);
	});
});
