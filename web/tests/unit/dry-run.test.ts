import { describe, expect, it } from 'vitest';
import { readFileSync } from 'node:fs';
import type { DryDay } from '../../src/lib/api/journeys';
import { asReport, outcomeOf, peopleOf, sentIn, unsentIn, whenOf } from '../../src/lib/dry-run';

const run = JSON.parse(readFileSync(new URL('../fixtures/data/journeys-dry_day.json', import.meta.url), 'utf8')) as DryDay;

describe('a dry run of a day', () => {
	it('has behind each number the people that it counts', () => {
		for (const row of run.outcomes) expect(peopleOf(run, { kind: 'outcome', what: row.what })).toHaveLength(row.people);
		for (const node of run.nodes) {
			expect(peopleOf(run, { kind: 'came', node: node.node })).toHaveLength(node.came);
			expect(peopleOf(run, { kind: 'waiting', node: node.node })).toHaveLength(node.waiting);
			expect(peopleOf(run, { kind: 'sends', node: node.node })).toHaveLength(node.sends);
			for (const way of node.ways) expect(peopleOf(run, { kind: 'way', node: node.node, what: way.what })).toHaveLength(way.people);
			for (const row of node.skipped) expect(peopleOf(run, { kind: 'skipped', node: node.node, what: row.what })).toHaveLength(row.people);
		}
		for (const end of run.ends) expect(peopleOf(run, { kind: 'end', what: end.what })).toHaveLength(end.people);
		expect(peopleOf(run, { kind: 'goal' })).toHaveLength(run.reached_goal.people);
		expect(peopleOf(run, { kind: 'all' })).toHaveLength(run.rows.length);
		expect(outcomeOf(run, 'nothing')).toBe(0);
		expect(sentIn(run)).toBeGreaterThan(peopleOf(run, { kind: 'sent' }).length);
		expect(unsentIn(run)).toBe(peopleOf(run, { kind: 'unsent' }).length);
	});
	it('lies on the plan in the shape of live counts', () => {
		const node = run.nodes.find((one) => one.node === 'reminder')!;
		const report = asReport(node);
		expect(report.ways.map((way) => way.people).reduce((a, b) => a + b, 0)).toBe(report.left);
		expect([report.messages.sent, report.messages.skipped, report.messages.clicked]).toEqual([node.sends, node.skipped.reduce((all, row) => all + row.people, 0), 0]);
	});
	it('is of a day that an address may name', () => {
		expect(['yesterday', 'last_24_hours', '2026-11-20', 'today', '', null, '2026-1-1', 'x2026-11-20'].map(whenOf)).toEqual(['yesterday', 'last_24_hours', '2026-11-20', null, null, null, null, null]);
	});
});
