// The plan of a journey as the editor works on it: its shape, its ways, what changes it, its outline and where its nodes stand. All of it pure;
// every change makes a new plan, so that an earlier one can come back.
import type { JourneySummary, PlanFinding } from '$lib/api/journeys';
import type { Condition } from './conditions';
import type { Tree } from './condition-tree';

export type Schedule = { at: string; clock?: 'workspace' | 'person'; every?: 'day' | 'week' | 'month'; until?: string; most_per_hour?: number; ramp_up_percent?: number };
export interface OneEvent {
	name: string;
	where?: Condition;
}
export type Awaited = { event: OneEvent } | { condition: Tree | null };
export type Next = string | null;
export type Entry =
	| { segment_entered: { when: Tree | null; members_at_launch?: boolean } }
	| { segment_left: { when: Tree | null } }
	| { event: OneEvent & { key?: string; not_older_than?: string } }
	| { date: { fact: string; yearly?: boolean; days?: number; at?: string } }
	| { schedule: Schedule }
	| { api: Record<string, never> };
export type Reentry = 'never' | 'after_exit' | { after: string } | { at_most: number };
export type Wait = { for: string } | { day: { days: number; at: string; weekdays?: string[] } } | { usual_hour: { fallback: string } };
export interface Steps {
	message: { channel: string; template: string; otherwise?: 'advance' | 'exit' | 'retry'; drop_after?: string; next: Next };
	wait: { how: Wait; next: Next };
	wait_until: { paths: { until: Awaited; next: Next }[]; timeout: string; timed_out: Next };
	branch: { paths: { name?: string; when: Tree | null; next: Next }[]; otherwise: Next };
	split: { experiment?: string; policy?: string; arms: { name: string; percent: number; next: Next }[] };
	set_trait: { name: string; value: unknown; next: Next };
	list: { list: string; on?: boolean; next: Next };
	webhook: { url: string; fields?: Record<string, unknown>; next: Next };
	act: { action: string; with?: Record<string, unknown>; next: Next };
	rate_limit: { most: number; per: string; next: Next };
	goal: { next: Next };
	exit: Record<string, never>;
}
export type StepKind = keyof Steps;
export type Step = { [K in StepKind]: { [P in K]: Steps[K] } }[StepKind];
export interface PlanNode {
	id: string;
	name?: string;
	step: Step;
	place?: [number, number];
}
export interface Plan {
	entry: Entry;
	audience?: Tree | null;
	reentry?: Reentry;
	exits?: { at_goal?: boolean; out_of_audience?: boolean };
	goal?: Awaited;
	class?: 'marketing' | 'transactional';
	topic?: string;
	priority?: number;
	holdout_percent?: number;
	quiet?: { from: string; until: string; jitter_minutes?: number };
	/** Whether the seed list gets a copy of what each run sends. */
	seed_list?: boolean;
	most_visits?: number;
	start: string;
	nodes: PlanNode[];
}
export interface JourneyPage {
	summary: JourneySummary;
	definition: Plan;
	findings: PlanFinding[];
	versions: { version: number; launched_at: string; launched_by: string; active: number; definition: Plan }[];
	is_changed: boolean;
	waits_for: string[];
}

/** What other parts of Rapport do for a journey. */
export const ACTIONS = ['give_points', 'give_reward', 'tell_event'] as const;

export function isAction(name: string): name is (typeof ACTIONS)[number] {
	return (ACTIONS as readonly string[]).includes(name);
}

export const KINDS: StepKind[] = ['message', 'wait', 'wait_until', 'branch', 'split', 'set_trait', 'list', 'webhook', 'act', 'rate_limit', 'goal', 'exit'];
export const CHANNELS = ['email', 'sms', 'whatsapp', 'push', 'in_app'] as const;
/** The form of template that a channel sends. */
export const FORM_OF: Record<string, string> = { email: 'email', sms: 'text', whatsapp: 'text', push: 'push', in_app: 'slot' };
export const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'] as const;
export const ENTRIES = ['event', 'segment_entered', 'segment_left', 'date', 'schedule', 'api'] as const;
export type EntryKind = (typeof ENTRIES)[number];

export const kindOf = (step: Step): StepKind => Object.keys(step)[0] as StepKind;
export const bodyOf = <K extends StepKind>(step: Step, kind: K): Steps[K] => (step as Record<K, Steps[K]>)[kind];
export const entryKind = (entry: Entry): EntryKind => Object.keys(entry)[0] as EntryKind;
export const scheduleOf = (plan: Plan): Schedule | undefined => ('schedule' in plan.entry ? plan.entry.schedule : undefined);

/** A way out of a node: how the server calls it (`path:0`), and where it leads. */
export interface Way {
	key: string;
	next: Next;
}
const ONLY: Partial<Record<StepKind, string>> = { message: 'next', wait: 'waited', set_trait: 'done', list: 'done', webhook: 'done', act: 'done', rate_limit: 'passed', goal: 'reached' };

export function waysOf(step: Step): Way[] {
	if ('wait_until' in step) return [...step.wait_until.paths.map(({ next }, i) => ({ key: `path:${i}`, next })), { key: 'timed_out', next: step.wait_until.timed_out }];
	if ('branch' in step) return [...step.branch.paths.map(({ next }, i) => ({ key: `path:${i}`, next })), { key: 'otherwise', next: step.branch.otherwise }];
	if ('split' in step) return step.split.arms.map(({ next }, i) => ({ key: `arm:${i}`, next }));
	if ('exit' in step) return [];
	const kind = kindOf(step);
	return [{ key: ONLY[kind]!, next: (Object.values(step)[0] as { next: Next }).next }];
}

/** The step with one way leading elsewhere. */
export function withWay(step: Step, way: number, next: Next): Step {
	const at = <T extends { next: Next }>(list: T[]) => list.map((one, i) => (i === way ? { ...one, next } : one));
	if ('wait_until' in step) return { wait_until: way < step.wait_until.paths.length ? { ...step.wait_until, paths: at(step.wait_until.paths) } : { ...step.wait_until, timed_out: next } };
	if ('branch' in step) return { branch: way < step.branch.paths.length ? { ...step.branch, paths: at(step.branch.paths) } : { ...step.branch, otherwise: next } };
	if ('split' in step) return { split: { ...step.split, arms: at(step.split.arms) } };
	if ('exit' in step) return step;
	const kind = kindOf(step);
	return { [kind]: { ...(Object.values(step)[0] as object), next } } as Step;
}

/** A place between two nodes: behind a way of one, or before all of them. */
export type Gap = { node: string; way: number } | 'start';

export const nodeOf = (plan: Plan, id: string | null | undefined): PlanNode | undefined => plan.nodes.find((node) => node.id === id);
const withNode = (plan: Plan, id: string, change: (node: PlanNode) => PlanNode): Plan => ({ ...plan, nodes: plan.nodes.map((node) => (node.id === id ? change(node) : node)) });
export const setStep = (plan: Plan, id: string, step: Step): Plan => withNode(plan, id, (node) => ({ ...node, step }));
export const setName = (plan: Plan, id: string, name: string): Plan => withNode(plan, id, ({ name: _, ...node }) => (name ? { ...node, name } : node));
export const setPlace = (plan: Plan, id: string, place: [number, number]): Plan => withNode(plan, id, (node) => ({ ...node, place }));
/** Without places of their own, all stand where the layout puts them. */
export const tidied = (plan: Plan): Plan => ({ ...plan, nodes: plan.nodes.map(({ place: _, ...node }) => node) });

/** Where a gap leads. */
export const leadsTo = (plan: Plan, gap: Gap): Next => (gap === 'start' ? plan.start || null : (waysOf(nodeOf(plan, gap.node)!.step)[gap.way]?.next ?? null));
export const connect = (plan: Plan, gap: Gap, next: Next): Plan => (gap === 'start' ? { ...plan, start: next ?? '' } : withNode(plan, gap.node, (node) => ({ ...node, step: withWay(node.step, gap.way, next) })));

export function freeId(plan: Plan, kind: StepKind): string {
	for (let n = 1; ; n++) {
		const id = n === 1 ? kind : `${kind}_${n}`;
		if (!nodeOf(plan, id)) return id;
	}
}

/** A first condition of the builder, so that a new path shows what can be said. */
const FIRST: Tree = { performed: { event: 'Order Completed', within: { last: '90d' } } } as Tree;

export function newStep(kind: StepKind, next: Next): Step {
	switch (kind) {
		case 'message': return { message: { channel: 'email', template: '', otherwise: 'advance', drop_after: '2d', next } };
		case 'wait': return { wait: { how: { for: '1d' }, next } };
		case 'wait_until': return { wait_until: { paths: [{ until: { event: { name: 'Order Completed' } }, next: null }], timeout: '3d', timed_out: next } };
		case 'branch': return { branch: { paths: [{ when: FIRST, next }], otherwise: null } };
		case 'split': return { split: { arms: [{ name: 'A', percent: 50, next }, { name: 'B', percent: 50, next: null }] } };
		case 'set_trait': return { set_trait: { name: '', value: true, next } };
		case 'list': return { list: { list: '', on: true, next } };
		case 'webhook': return { webhook: { url: 'https://', next } };
		case 'act': return { act: { action: '', next } };
		case 'rate_limit': return { rate_limit: { most: 100, per: '1h', next } };
		case 'goal': return { goal: { next } };
		case 'exit': return { exit: {} };
	}
}

/** Puts a node into a gap; what came after comes after it. */
export function insertAt(plan: Plan, gap: Gap, kind: StepKind): { plan: Plan; id: string } {
	const id = freeId(plan, kind);
	const after = leadsTo(plan, gap);
	const node: PlanNode = { id, step: newStep(kind, after) };
	return { plan: connect({ ...plan, nodes: [...plan.nodes, node] }, gap, id), id };
}

/** Takes a node out: who led to it leads to where its first way led. */
export function removeNode(plan: Plan, id: string): Plan {
	const gone = nodeOf(plan, id);
	if (!gone) return plan;
	const next = waysOf(gone.step).map((way) => way.next).find((way) => way !== id && way !== null) ?? null;
	const nodes = plan.nodes.filter((node) => node.id !== id).map((node) => waysOf(node.step).reduce((one, way, i) => (way.next === id ? { ...one, step: withWay(one.step, i, next) } : one), node));
	return { ...plan, start: plan.start === id ? (next ?? '') : plan.start, nodes };
}

/** Makes of a node another kind of node; what led on leads on. */
export const changeKind = (plan: Plan, id: string, kind: StepKind): Plan => withNode(plan, id, (node) => ({ ...node, step: newStep(kind, waysOf(node.step).find((way) => way.next)?.next ?? null) }));

/** One line of the outline: a node, or where a way ends. */
export interface Line {
	gap: Gap;
	/** The way's key, where its node has several. */
	way?: string;
	/** The node; none for the end. */
	node?: PlanNode;
	/** It stands elsewhere in the outline already. */
	again: boolean;
	/** What comes after it, one beneath the other; ways of a node that has several are lists of their own. */
	ways: { gap: Gap; key: string; lines: Line[] }[];
}

/** The plan as nested lists. Each node stands once, where it is first come to; then a line leads to it. */
export function outline(plan: Plan): Line[] {
	const seen = new Set<string>();
	const follow = (gap: Gap): Line[] => {
		const lines: Line[] = [];
		for (let here = gap; ; ) {
			const node = nodeOf(plan, leadsTo(plan, here));
			if (!node) return [...lines, { gap: here, again: false, ways: [] }];
			if (seen.has(node.id)) return [...lines, { gap: here, node, again: true, ways: [] }];
			seen.add(node.id);
			const ways = waysOf(node.step);
			if (ways.length !== 1) return [...lines, { gap: here, node, again: false, ways: ways.map(({ key }, way) => ({ gap: { node: node.id, way }, key, lines: follow({ node: node.id, way }) })) }];
			lines.push({ gap: here, node, again: false, ways: [] });
			here = { node: node.id, way: 0 };
		}
	};
	return follow('start');
}

/** Nodes that nobody comes to. */
export function strays(plan: Plan): PlanNode[] {
	const seen = new Set<string>();
	const visit = (id: Next) => {
		const node = nodeOf(plan, id);
		if (!node || seen.has(node.id)) return;
		seen.add(node.id);
		for (const way of waysOf(node.step)) visit(way.next);
	};
	visit(plan.start);
	return plan.nodes.filter((node) => !seen.has(node.id));
}

export const NODE_WIDTH = 232;
const COLUMN = NODE_WIDTH + 48;
const ROW = 188;
const FIRST_ROW = 96;

/** Where nodes stand that have no place of their own: rows by how far they are from the start, columns by their ways. */
export function layout(plan: Plan): Map<string, [number, number]> {
	const row = new Map<string, number>();
	// The longest way to a node, so that ways lead down; a circle is cut where it closes.
	const walk = (id: Next, depth: number, path: Set<string>) => {
		const node = nodeOf(plan, id);
		if (!node || path.has(node.id) || (row.get(node.id) ?? -1) >= depth) return;
		row.set(node.id, depth);
		const longer = new Set(path).add(node.id);
		for (const way of waysOf(node.step)) walk(way.next, depth + 1, longer);
	};
	walk(plan.start, 1, new Set());
	const below = Math.max(0, ...row.values()) + 1;
	for (const node of plan.nodes) if (!row.has(node.id)) row.set(node.id, below);

	// Each node stands over the middle of what it alone leads to; the end of a way takes a column, too.
	const column = new Map<string, number>();
	const taken = new Map<number, number>();
	let free = 0;
	const put = (id: Next, end: string, depth: number): number | undefined => {
		const node = nodeOf(plan, id);
		if (!node) {
			const at = Math.max(free++, taken.get(depth) ?? -Infinity);
			taken.set(depth, at + 1);
			column.set(end, at);
			row.set(end, depth);
			return at;
		}
		if (column.has(node.id)) return undefined;
		column.set(node.id, 0);
		const own = row.get(node.id)!;
		const children = waysOf(node.step).map((way, i) => put(way.next, endOf(node.id, i), own + 1)).filter((at): at is number => at !== undefined);
		const wanted = children.length ? (children[0] + children[children.length - 1]) / 2 : free++;
		const at = Math.max(wanted, taken.get(own) ?? -Infinity);
		taken.set(own, at + 1);
		column.set(node.id, at);
		return at;
	};
	put(plan.start, endOf('', 0), 1);
	for (const node of plan.nodes) put(node.id, '', 0);
	const first = column.get(plan.start) ?? 0;
	const auto = (id: string): [number, number] => [Math.round((column.get(id)! - first) * COLUMN), FIRST_ROW + (row.get(id)! - 1) * ROW];
	const places = new Map([...column.keys()].map((id) => [id, auto(id)]));
	// Ends follow their node where it was put by hand.
	for (const node of plan.nodes) {
		if (!node.place) continue;
		const [x, y] = auto(node.id);
		const ways = waysOf(node.step);
		ways.forEach((_, i) => {
			const end = places.get(endOf(node.id, i));
			if (end) places.set(endOf(node.id, i), [end[0] - x + node.place![0], end[1] - y + node.place![1]]);
		});
		places.set(node.id, node.place);
	}
	return places;
}

/** The name under which the layout places the end of a way. */
export const endOf = (node: string, way: number): string => `:end ${node} ${way}`;

/** The node that a finding is about; undefined for the plan as a whole. */
export function nodeOfPlace(plan: Plan, place: string): string | undefined {
	const id = place.startsWith('nodes.') ? place.slice(6) : place;
	if (nodeOf(plan, id)) return id;
	const index = /^nodes\[(\d+)\]/.exec(place)?.[1];
	return index === undefined ? undefined : plan.nodes[Number(index)]?.id;
}

/** Findings as they are said: the same of several steps is one line that names them. */
export function said<F extends { severity: string; code: string; place: string; text: string }>(plan: Plan, findings: F[]): { finding: F; nodes: string[] }[] {
	const lines = new Map<string, { finding: F; nodes: string[] }>();
	findings.forEach((finding, i) => {
		const node = nodeOfPlace(plan, finding.place);
		const line = node === undefined ? String(i) : `${finding.severity} ${finding.code} ${finding.text}`;
		const known = lines.get(line);
		if (!known) lines.set(line, { finding, nodes: node === undefined ? [] : [node] });
		else if (!known.nodes.includes(node!)) known.nodes.push(node!);
	});
	return [...lines.values()];
}

/** Places whose condition is empty: the server cannot read such a plan, so it is said here. */
export function unfinished(plan: Plan): string[] {
	const places: string[] = [];
	const empty = (value: unknown) => value === null;
	if (('segment_entered' in plan.entry && empty(plan.entry.segment_entered.when)) || ('segment_left' in plan.entry && empty(plan.entry.segment_left.when))) places.push('entry');
	if (plan.goal && 'condition' in plan.goal && empty(plan.goal.condition)) places.push('goal');
	for (const { id, step } of plan.nodes) {
		if ('branch' in step && step.branch.paths.some((path) => empty(path.when))) places.push(id);
		if ('wait_until' in step && step.wait_until.paths.some((path) => 'condition' in path.until && empty(path.until.condition))) places.push(id);
	}
	return places;
}

/** What is sent: the fields of the server only, and nothing that is empty where empty means "not said". */
export function toSend(plan: Plan): Plan {
	const { audience, goal, topic, quiet, ...rest } = plan;
	return { ...rest, ...(audience ? { audience } : {}), ...(goal ? { goal } : {}), ...(topic ? { topic } : {}), ...(quiet ? { quiet } : {}) };
}

/** The message of a campaign: the first one that its start leads to. */
export const messageOf = (plan: Plan): PlanNode | undefined => plan.nodes.find((node) => 'message' in node.step);
/** Whether the simple form of campaigns shows all of it: one message on a schedule. */
export const isSimple = (plan: Plan): boolean => 'schedule' in plan.entry && plan.nodes.length === 1 && 'message' in plan.nodes[0].step && bodyOf(plan.nodes[0].step, 'message').next === null;

/** The following instants of a schedule by its own wall clock, as the server repeats it, up to a day (excluded). */
export function occasions(schedule: Schedule, from: string, until: string, most = 62): string[] {
	const match = /^(\d{4})-(\d{2})-(\d{2})T(\d{2}:\d{2})/.exec(schedule.at);
	if (!match) return [];
	const [year, month, day] = [Number(match[1]), Number(match[2]) - 1, Number(match[3])];
	const found: string[] = [];
	for (let n = 0; n < 5000 && found.length < most; n++) {
		const last = new Date(Date.UTC(year, month + n + 1, 0)).getUTCDate();
		const at = schedule.every === 'month' ? new Date(Date.UTC(year, month + n, Math.min(day, last))) : new Date(Date.UTC(year, month, day + n * (schedule.every === 'week' ? 7 : 1)));
		const date = at.toISOString().slice(0, 10);
		if (date >= until || (schedule.until && date > schedule.until)) break;
		if (date >= from) found.push(`${date}T${match[4]}`);
		if (!schedule.every) break;
	}
	return found;
}
