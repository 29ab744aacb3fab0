// Consent of all, and the audit log in words.
import { beforeAll, describe, expect, it } from 'vitest';
import { grouped, idOf, linkOf, notAsked, outcomeOf, whatWasDone, type ConsentScope } from '$lib/agreed';

import { words } from '$lib/i18n/index.svelte';

beforeAll(() => words.with('outreach'));
const scope = (channel: string | null, granted: number, more: Partial<ConsentScope> = {}): ConsentScope => ({ purpose: 'marketing', channel, topic: null, now: { granted, denied: 0, pending: 0, expired: 0 }, course: [], ...more });

describe('consent of all', () => {
	it('shows the usual channels always, others once somebody spoke', () => {
		const groups = grouped([scope('email', 0), scope('post', 0), scope('phone', 1), scope('email', 0, { topic: 'a' }), scope('email', 2, { topic: 'b' }), scope(null, 1, { purpose: 'sharing' }), scope(null, 0, { purpose: 'analytics' })]);
		expect(groups.channels.map(idOf)).toEqual(['marketing/email/', 'marketing/phone/']);
		expect(groups.topics.map(idOf)).toEqual(['marketing/email/b']);
		expect(groups.others.map(idOf)).toEqual(['sharing//']);
	});
	it('counts whoever is left as not asked, those whose agreement ended too', () => {
		expect(notAsked(scope('email', 0, { now: { granted: 3, denied: 2, pending: 1, expired: 4 } }), 20)).toBe(14);
		expect(notAsked(scope('email', 9), 5)).toBe(0);
	});
});

describe('the audit log', () => {
	it('says what was done', () => {
		const said = (action: string) => { const [method, path] = action.split(' '); return whatWasDone({ method, path }); };
		expect(said('POST /sign-in')).toBe('signed in');
		expect(said('POST /api/v1/customers/71/erasure')).toBe('erased a customer');
		expect(said('GET /api/v1/segments/a/members.csv')).toBe('exported a file');
		expect(said('POST /api/v1/message-check')).toBe('looked at something');
		for (const asked of ['conditions/read', 'journeys/a/dry-run/day', 'questions/people', 'customers/71/message-preview']) expect(said(`POST /api/v1/${asked}`)).toMatch(/^looked at /);
		expect(said('POST /api/v1/questions')).toMatch(/^changed /);
		expect(said('PUT /api/v1/slots/hero')).toBe('changed slots');
		expect(said('DELETE /api/v1/segments/a')).toBe('deleted segments');
		expect(said('GET /api/v1/unheard-of')).toBe('looked at something');
	});
	it('leads to what an entry was about, where the console shows it', () => {
		expect(linkOf('/api/v1/customers/71/timeline')).toBe('/customers/71');
		expect(linkOf('/api/v1/journeys/cart/launch')).toBe('/engage/journeys/cart');
		expect(linkOf('/api/v1/segments')).toBeUndefined();
		expect(linkOf('/api/v1/segments/overlap')).toBeUndefined();
		expect(linkOf('/sign-in')).toBeUndefined();
	});
	it('parts what was refused from what failed', () => {
		expect([200, 303, 401, 422, 503].map(outcomeOf)).toEqual(['', '', 'refused', 'refused', 'failed']);
	});
});
