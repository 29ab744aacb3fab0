import { describe, expect, it } from 'vitest';
import { bodyOf, changeKind, connect, endOf, FORM_OF, freeId, insertAt, isSimple, KINDS, layout, leadsTo, newStep, nodeOf, nodeOfPlace, occasions, outline, removeNode, said, setName, setPlace, setStep, strays, tidied, toSend, unfinished, waysOf, withWay, type Line, type Plan } from '../../src/lib/journeys';
import { History } from '../../src/lib/message-templates';
import { planOf, ready } from '../fixtures/journeys.mjs';

const cart = (): Plan => planOf('abandoned_cart');
const webinar = (): Plan => planOf('webinar');
const ids = (lines: Line[]): string => lines.map((line) => `${line.node?.id ?? 'end'}${line.again ? '*' : ''}${line.ways.map((way) => `(${way.key}: ${ids(way.lines)})`).join('')}`).join(' ');

describe('the plan of a journey', () => {
	it('gets a step in a gap, and what came after comes after it', () => {
		const plan = cart();
		const { plan: next, id } = insertAt(plan, { node: 'reminder', way: 0 }, 'wait');
		expect(id).toBe('wait');
		expect(leadsTo(next, { node: 'reminder', way: 0 })).toBe('wait');
		expect(leadsTo(next, { node: 'wait', way: 0 })).toBe('a_day');
		expect(leadsTo(plan, { node: 'reminder', way: 0 })).toBe('a_day');
		const first = insertAt(plan, 'start', 'branch');
		expect(first.plan.start).toBe(first.id);
		expect(leadsTo(first.plan, { node: first.id, way: 0 })).toBe('an_hour');
		expect(freeId(insertAt(next, 'start', 'wait').plan, 'wait')).toBe('wait_3');
	});
	it('loses a step, and who led to it leads on', () => {
		const plan = removeNode(cart(), 'reminder');
		expect(leadsTo(plan, { node: 'an_hour', way: 1 })).toBe('a_day');
		expect(removeNode(cart(), 'an_hour').start).toBe('reminder');
		expect(removeNode(cart(), 'nobody')).toEqual(cart());
		const loop = connect(cart(), { node: 'last_call', way: 0 }, 'last_call');
		expect(leadsTo(removeNode(loop, 'last_call'), { node: 'a_day', way: 1 })).toBeNull();
	});
	it('leads each way of every kind elsewhere, and no other', () => {
		for (const kind of KINDS) {
			const step = newStep(kind, 'x');
			waysOf(step).forEach((_, i) => {
				const changed = waysOf(withWay(step, i, 'y'));
				changed.forEach((way, at) => expect(way.next).toBe(at === i ? 'y' : waysOf(step)[at].next));
			});
		}
		expect(waysOf(newStep('exit', 'x'))).toEqual([]);
	});
	it('becomes another kind, gets a name and a place, and goes back', () => {
		const plan = changeKind(cart(), 'reminder', 'wait');
		expect(waysOf(nodeOf(plan, 'reminder')!.step)).toEqual([{ key: 'waited', next: 'a_day' }]);
		expect(nodeOf(setName(plan, 'reminder', 'Rest'), 'reminder')!.name).toBe('Rest');
		expect('name' in nodeOf(setName(setName(plan, 'reminder', 'Rest'), 'reminder', ''), 'reminder')!).toBe(false);
		expect(tidied(setPlace(cart(), 'reminder', [5, 6]))).toEqual(cart());
		const history = new History<Plan>(cart());
		history.change(setStep(history.present, 'reminder', newStep('goal', null)), 'reminder', 0);
		history.change(removeNode(history.present, 'a_day'), '', 1);
		expect(history.undo().nodes).toHaveLength(4);
		expect(history.undo()).toEqual(cart());
		expect(history.redo().nodes.find((node) => node.id === 'reminder')!.step).toEqual({ goal: { next: null } });
	});
	it('is an outline in which each step stands once', () => {
		expect(ids(outline(cart()))).toBe('an_hour(path:0: end)(timed_out: reminder a_day(path:0: end)(timed_out: last_call end))');
		for (const { key } of ready.rows) {
			const text = ids(outline(planOf(key)));
			for (const node of planOf(key).nodes) expect(text.split(/[\s():]+/).filter((word) => word === node.id)).toHaveLength(1);
		}
		expect(ids(outline(webinar()))).toContain('came*');
		const circle = connect(cart(), { node: 'last_call', way: 0 }, 'an_hour');
		expect(ids(outline(circle))).toContain('last_call an_hour*');
	});
	it('knows who is not come to', () => {
		expect(strays(cart())).toEqual([]);
		expect(strays(connect(cart(), { node: 'reminder', way: 0 }, null)).map((node) => node.id)).toEqual(['a_day', 'last_call']);
	});
	it('stands so that nothing covers anything, and ways lead down', () => {
		for (const { key } of ready.rows) {
			const plan = planOf(key);
			const places = layout(plan);
			expect(new Set([...places.values()].map((place) => place.join())).size).toBe(places.size);
			for (const node of plan.nodes) for (const way of waysOf(node.step)) if (way.next) expect(places.get(way.next)![1]).toBeGreaterThan(places.get(node.id)![1]);
		}
		const moved = layout(setPlace(cart(), 'an_hour', [700, 90]));
		expect(moved.get('an_hour')).toEqual([700, 90]);
		const before = layout(cart());
		expect(moved.get(endOf('an_hour', 0))![0] - 700).toBe(before.get(endOf('an_hour', 0))![0] - before.get('an_hour')![0]);
		expect(layout(connect(cart(), { node: 'last_call', way: 0 }, 'an_hour')).size).toBeGreaterThan(4);
	});
	it('leads from a finding to its step', () => {
		const plan = cart();
		expect(['reminder', 'nodes.a_day', 'nodes[1].step', 'entry', 'nodes'].map((place) => nodeOfPlace(plan, place))).toEqual(['reminder', 'a_day', 'reminder', undefined, undefined]);
	});
	it('says which conditions are empty, and sends only what is said', () => {
		expect(unfinished(cart())).toEqual([]);
		const branch = setStep(cart(), 'reminder', { branch: { paths: [{ when: null, next: null }], otherwise: null } });
		expect(unfinished({ ...branch, entry: { segment_left: { when: null } }, goal: { condition: null } })).toEqual(['entry', 'goal', 'reminder']);
		expect(Object.keys(toSend({ ...cart(), audience: null, topic: '', goal: undefined }))).not.toContain('audience');
		expect(toSend(cart())).toEqual(cart());
	});
	it('is a simple campaign with one message on a schedule', () => {
		const plan: Plan = { entry: { schedule: { at: '2027-01-04T10:00' } }, start: 'message', nodes: [{ id: 'message', step: newStep('message', null) }] };
		expect(isSimple(plan)).toBe(true);
		expect(isSimple(insertAt(plan, 'start', 'wait').plan)).toBe(false);
		expect(isSimple(cart())).toBe(false);
		expect(FORM_OF[bodyOf(plan.nodes[0].step, 'message').channel]).toBe('email');
	});
});

describe('findings', () => {
	it('that are the same of several steps are one line that names each once', () => {
		const plan = cart();
		const [one, two] = plan.nodes.map((node: { id: string }) => node.id);
		const of = (place: string, text = 'paused', severity = 'warning') => ({ severity, code: 'paused', place, text });
		const lines = said(plan, [of(`nodes.${one}`), of(`nodes.${two}`), of(`nodes.${one}`), of(`nodes.${two}`, 'other'), of('topic'), of('topic')]);
		expect(lines.map((line) => line.nodes)).toEqual([[one, two], [two], [], []]);
		expect(said(plan, [of(`nodes.${one}`), of(`nodes.${two}`, 'paused', 'error')])).toHaveLength(2);
	});
});

describe('a schedule', () => {
	const dates = (every: 'day' | 'week' | 'month' | undefined, from: string, until: string, extra = {}) => occasions({ at: '2026-01-31T09:30', ...(every ? { every } : {}), ...extra }, from, until);
	it('comes once, or again and again', () => {
		expect(dates(undefined, '2026-01-01', '2026-03-01')).toEqual(['2026-01-31T09:30']);
		expect(dates(undefined, '2026-02-01', '2026-03-01')).toEqual([]);
		expect(dates('week', '2026-02-01', '2026-02-20')).toEqual(['2026-02-07T09:30', '2026-02-14T09:30']);
		expect(dates('day', '2026-02-27', '2026-03-02')).toEqual(['2026-02-27T09:30', '2026-02-28T09:30', '2026-03-01T09:30']);
	});
	it('comes on the last day of months that are shorter, and back to its own day', () => {
		expect(dates('month', '2026-02-01', '2026-05-01')).toEqual(['2026-02-28T09:30', '2026-03-31T09:30', '2026-04-30T09:30']);
	});
	it('ends on its last day', () => {
		expect(dates('month', '2026-02-01', '2027-01-01', { until: '2026-03-31' })).toEqual(['2026-02-28T09:30', '2026-03-31T09:30']);
		expect(occasions({ at: 'soon' }, '2026-01-01', '2027-01-01')).toEqual([]);
	});
});
