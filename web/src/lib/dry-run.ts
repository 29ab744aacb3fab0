// A dry run over a day's people, as pages show it: its figures in the shape of the live ones, and from each number to the people behind it.
import type { DryDay, DryNode, DryPerson, DryStep, DryTrip, NodeReport } from '$lib/api/journeys';

/** Which of the people: all, by what came of coming in, by what happens at a step, by how it ends. */
export type DryWho =
	| { kind: 'all' }
	| { kind: 'outcome'; what: string }
	| { kind: 'came' | 'waiting' | 'sends'; node: string }
	| { kind: 'way' | 'skipped'; node: string; what: string }
	| { kind: 'sent' | 'unsent' | 'goal' }
	| { kind: 'end'; what: string };

/** The counts of a step, as if they had been counted. */
export function asReport(node: DryNode): NodeReport {
	const none = { queued: 0, delivered: 0, bounced: 0, complained: 0, unsubscribed: 0, opened: 0, clicked: 0, failed: 0 };
	return {
		node: node.node,
		entered: node.came,
		waiting: node.waiting,
		left: node.ways.reduce((all, way) => all + way.people, 0),
		ways: node.ways.map((way) => ({ way: way.what, people: way.people })),
		messages: { ...none, sent: node.sends, skipped: node.skipped.reduce((all, row) => all + row.people, 0) },
		skipped: node.skipped.map((row) => ({ reason: row.what, sentence: row.sentence, people: row.people })),
		failed: 0
	};
}

/** Whether a step is what is asked for. */
function isStep(step: DryStep, who: DryWho, knownUntil: string): boolean {
	switch (who.kind) {
		case 'came': return step.node === who.node;
		case 'waiting': return step.node === who.node && step.what === 'waits' && !step.is_assumed && Date.parse(step.detail) > Date.parse(knownUntil);
		case 'sends': return step.node === who.node && step.what === 'sends';
		case 'way': return step.node === who.node && step.what === 'goes' && step.detail === who.what;
		case 'skipped': return step.node === who.node && step.what === 'skips' && step.detail === who.what;
		case 'sent': return step.what === 'sends';
		case 'unsent': return step.what === 'skips';
		case 'goal': return step.what === 'reaches_goal';
		case 'end': return step.what === 'ends' && step.detail === who.what;
		default: return false;
	}
}

/** The people behind a number, each with the way that is meant. */
export function peopleOf(run: DryDay, who: DryWho): { person: DryPerson; trip: DryTrip }[] {
	const isMeant = (trip: DryTrip) => (who.kind === 'all' ? true : who.kind === 'outcome' ? trip.outcome === who.what : trip.outcome === 'in' && trip.steps.some((step) => isStep(step, who, run.known_until)));
	return run.rows.flatMap((person) => person.trips.filter(isMeant).map((trip) => ({ person, trip })));
}

export const sentIn = (run: DryDay): number => run.nodes.reduce((all, node) => all + node.sends, 0);
export const unsentIn = (run: DryDay): number => run.nodes.reduce((all, node) => all + node.skipped.reduce((sum, row) => sum + row.people, 0), 0);
export const outcomeOf = (run: DryDay, what: string): number => run.outcomes.find((row) => row.what === what)?.people ?? 0;

/** What an address says about when: a word or a day; null for neither. */
export const whenOf = (text: string | null): string | null => (text && (['yesterday', 'last_24_hours'].includes(text) || /^\d{4}-\d{2}-\d{2}$/.test(text)) ? text : null);
