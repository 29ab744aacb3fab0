// The shapes on the wire, as the API contract names them. This file is the only place that spells them out: once openapi.json
// is there, each line can become `components['schemas']['...']` of the generated schema.d.ts and nothing else changes.
import type { Condition } from '$lib/conditions';
import type { Question } from '$lib/questions';

export interface Amount {
	amount: string;
	currency: string;
}
export interface List<T> {
	rows: T[];
	next: string | null;
	total?: number;
}

export type Role = 'owner' | 'admin' | 'analyst' | 'agent' | 'viewer';

export interface Workspace {
	id: string;
	name: string;
	time_zone: string;
	week_start: string;
	currency: string;
	locale: string;
}
export interface Me {
	user: { id: string; name: string; email: string; role: Role };
	workspace: Workspace;
	csrf_token: string;
	permissions: string[];
}
export interface DataHealth {
	events_per_second: number;
	last_event_at: string | null;
	lag_events: number;
	rejects_24h: number;
}

// Home
export type Unit = 'count' | 'money' | 'ratio';
export interface Figure {
	key: string;
	label: string;
	value: number | string;
	unit: Unit;
	currency?: string | null;
	before?: number | string | null;
	change: number | null;
	/** Which direction one hopes for. */
	better: Better;
	spark: number[];
}
export type Better = 'higher' | 'lower';
export interface Change {
	/** A figure's key, or checkout_conversion. */
	what: string;
	part: string | null;
	value: number | string;
	before: number | string | null;
	unit: Unit;
	change: number;
	better: Better;
	/** The 95 % interval of the change, in points. */
	interval: [number, number] | null;
	/** Who converted, and of how many. */
	people: [number, number] | null;
	because: { what: string; change: number }[];
	question: Question | null;
}
export interface NextStep {
	group: string;
	urgency: 'risk' | 'soon' | 'welcome';
	count: number;
	value: Amount;
	people_url: string;
}
export interface Cohort {
	start: string;
	size: number;
	complete?: boolean;
	cells: { count: number; complete: boolean }[];
}
export interface Home {
	period: { from: string; to: string; compare_from: string; compare_to: string; ends_at_last_event: boolean };
	figures: Figure[];
	subscriptions: Figure[];
	changes: Change[];
	next: NextStep[];
	revenue: { interval: Interval; starts: string[]; incomplete: boolean[]; new: number[]; returning: number[]; currency: string; sentence: string; question: Question | null };
	retention: { cohorts: Cohort[]; interval: Interval; sentence: string; question: Question | null };
	/** `name` is the event's, as everywhere; the person's is `person_name`. */
	latest: (TimelineItem & { person_id: string; person_name: string })[];
}
export type Interval = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';

// Customers
export interface Rfm {
	recency: number;
	frequency: number;
	monetary: number;
	group: string;
}
export interface CustomerRow {
	person_id: string;
	name: string;
	email_masked: string | null;
	since: string;
	last_seen_at: string;
	orders: number;
	spent: Amount | null;
	average_order: Amount | null;
	rfm: Rfm | null;
	country: string | null;
}
export interface Trait {
	key: string;
	value: unknown;
	valid_from: string;
	source: string;
	recorded_at: string;
}
export interface Identifier {
	handle: string;
	kind: string;
	value_masked: string;
	first_seen_at: string;
	rule: string;
	source_name: string;
}
export interface Customer {
	person_id: string;
	name: string;
	since: string;
	last_seen_at: string;
	contact: { kind: string; value_masked: string; consent: 'granted' | 'denied' | 'unknown' }[];
	figures: {
		spent: Amount | null;
		orders: number;
		average_order: Amount | null;
		rhythm_days: number | null;
		days_since_last_order: number | null;
		refunds: Amount | null;
	};
	rfm: Rfm | null;
	traits: Trait[];
	identifiers: Identifier[];
	accounts: { id: string; name: string }[];
	orders: { order_id: string; placed_at: string; total: string; currency: string; status: string; lines: number }[];
	texts: CustomerText[];
}
export interface CustomerText {
	kind?: string;
	occurred_at: string;
	title?: string;
	text?: string;
	score?: number | null;
}
export interface TimelineItem {
	event_id: string;
	occurred_at: string;
	received_at: string;
	name: string;
	kind: string;
	room: string;
	title: string;
	detail: string;
	source_name: string;
	properties: Record<string, unknown>;
	superseded: boolean;
}
export interface EvidenceSide {
	handle: string;
	kind: string;
	value_masked: string;
}
export interface Evidence {
	id: string;
	left: EvidenceSide;
	right: EvidenceSide;
	rule: string;
	rule_text: string;
	event_id: string;
	occurred_at: string;
	recorded_at: string;
	/** A limit keeps it from counting: a shared device, say. */
	set_aside?: boolean;
	undone_at: string | null;
	undone_by: string | null;
	reason: string | null;
}
export interface Identity {
	identifiers: Identifier[];
	evidence: Evidence[];
	sentence: string;
}
export interface SearchRow {
	kind: 'person' | 'question' | 'page' | 'import' | 'order';
	id: string;
	title: string;
	detail: string;
	url: string;
}

// Catalog
export interface EventName {
	name: string;
	room: string;
	count: number;
	first_at: string;
	last_at: string;
}
export interface Property {
	path: string;
	types: string[];
	count: number;
	/** A property of events, or a trait of people. */
	of?: 'event' | 'trait';
	category: string;
	storage: 'column' | 'residual' | 'database';
}

export interface PropertyValues {
	rows: { value: string; count: number }[];
}

// Insights
export interface Column {
	name: string;
	label: string;
	type: 'text' | 'integer' | 'number' | 'money' | 'time' | 'ratio' | 'duration';
	currency?: string | null;
}
export interface TrendSeries {
	label: string;
	/** Which series of the question this line belongs to. */
	series: number;
	breakdown: string | null;
	values: (number | null)[];
	compare?: (number | null)[] | null;
	total: number | string | null;
	compare_total?: number | string | null;
	unit: 'count' | 'money' | 'ratio' | 'number';
	currency?: string | null;
}
export interface FunnelStep {
	label: string;
	people: number;
	of_first: number | null;
	of_previous: number | null;
	median_seconds: number | null;
	/** People in the period before. */
	compare?: number | null;
	breakdown: { value: string; people: number; of_first: number | null }[];
}
export interface RfmGroup {
	key: string;
	label: string;
	people: number;
	share: number | null;
	revenue: string | number | null;
	average_recency_days: number | null;
	average_orders: number | null;
	action: string;
}
export type TrendDetail = { starts: string[]; incomplete: boolean[]; series: TrendSeries[] };
export type FunnelDetail = { steps: FunnelStep[] };
export type RetentionDetail = { interval: Interval; cohorts: Cohort[]; average: (number | null)[] };
export type RfmDetail = {
	as_of: string;
	customers: number;
	thresholds: { recency_days: number[]; frequency: number[]; monetary: (string | number)[] };
	groups: RfmGroup[];
	/** People by recency score (outer, 1 to 5) and frequency score (inner, 1 to 5). */
	grid: number[][];
};
interface AnswerOf<K extends string, D> {
	kind: K;
	columns: Column[];
	rows: unknown[][];
	sentence: string;
	notes: string[];
	computed_ms: number;
	data_until: string;
	rows_read: number;
	detail: D;
}
export type Answer =
	| AnswerOf<'trend', TrendDetail>
	| AnswerOf<'funnel', FunnelDetail>
	| AnswerOf<'retention', RetentionDetail>
	| AnswerOf<'rfm', RfmDetail>;

/** Which people stand behind a number, in the words of the answer. */
export type Part =
	| { series: number; breakdown?: string; start: string }
	/** The step counts from 1. */
	| { step: number; stage: 'reached' | 'dropped'; breakdown?: string }
	| { cohort: string; interval: number }
	| { group: string }
	| { r: number; f: number };

export interface SavedQuestion {
	id: string;
	name: string;
	question: Question;
	created_by: string;
	updated_at: string;
}

// Data
export interface Source {
	id: string;
	name: string;
	kind: 'http' | 'file' | 'sample';
	events: number;
	rejects: number;
	last_event_at: string | null;
	created_at: string;
}
export interface Reject {
	id: string;
	received_at: string;
	source_name: string;
	code: string;
	message: string;
	where: string;
	excerpt: string;
}
export interface LiveEvent {
	received_at: string;
	name: string;
	kind: string;
	handle: string;
	properties: Record<string, unknown>;
}
export interface Key {
	id: string;
	prefix: string;
	name?: string;
	scopes?: string[];
	created_at: string;
	expires_at: string | null;
	revoked_at: string | null;
	last_used_at: string | null;
}
export interface NewKey extends Key {
	key: string;
}
export interface User {
	id: string;
	name: string;
	email: string;
	role: Role;
	disabled: boolean;
	last_seen_at?: string | null;
}
export type { Condition, Question };
