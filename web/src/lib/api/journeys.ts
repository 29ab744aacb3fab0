// The shapes around journeys, messages and sending, as the server sends them.
import type { CustomerRow } from './types';

export interface JourneySummary {
	key: string;
	kind: string;
	name: string;
	description: string;
	state: string;
	live_version: number;
	active: number;
	entered: number;
	reached_goal: number;
	sent: number;
	/** As far as we hear of it. */
	delivered: number;
	/** By people: looks of programs are left out. */
	clicked: number;
	updated_at: string;
	updated_by: string;
	launched_at: string | null;
}
/** Something to mend in a plan; `place` is a node or a part of the plan. */
export interface PlanFinding {
	severity: string;
	code: string;
	place: string;
	text: string;
}
export interface MessageCounts {
	queued: number;
	sent: number;
	delivered: number;
	bounced: number;
	complained: number;
	unsubscribed: number;
	opened: number;
	/** By people: looks of programs are left out. */
	clicked: number;
	skipped: number;
	failed: number;
}
export interface NodeReport {
	node: string;
	/** How many came to it, as often as they did. */
	entered: number;
	waiting: number;
	left: number;
	ways: { way: string; people: number }[];
	messages: MessageCounts;
	skipped: { reason: string; sentence: string; people: number }[];
	failed: number;
}
export interface Run {
	run: string;
	state: string;
	planned_at: string;
	next_at: string | null;
	entered: number;
	finished_at: string | null;
}
export interface JourneyReport {
	entered: number;
	held_out: number;
	active: number;
	reached_goal: number;
	messages: MessageCounts;
	ends: { why: string; people: number }[];
	nodes: NodeReport[];
	runs: Run[];
}
export interface InstanceShape {
	id: string;
	journey: string;
	version: number;
	entered_at: string;
	node: string | null;
	arrived_at: string;
	wakes_at: string | null;
	goal_at: string | null;
	ended_at: string | null;
	ended_why: string | null;
	trail: { node: string; at: string; way: string }[];
}
/** What a journey had to do beside messages and could not. */
export interface FailedAct {
	id: string;
	customer: CustomerRow | null;
	journey: string;
	node: string;
	kind: string;
	target: string;
	decided_at: string;
	attempts: number;
	error: string | null;
}
export interface PersonOnTheWay {
	customer: CustomerRow;
	instance: InstanceShape;
}
export interface NodeDifference {
	/** Empty for the plan as a whole. */
	node: string;
	kind: 'added' | 'removed' | 'changed';
	before: unknown;
	after: unknown;
	people: number;
}
export interface DryStep {
	at: string;
	node: string;
	what: string;
	detail: string;
	sentence: string;
	/** Later than what is known: if nothing else happens before. */
	is_assumed: boolean;
}
/** How many, and of these how many only because nothing more is assumed to happen. */
export interface DryCount {
	what: string;
	sentence: string;
	people: number;
	assumed: number;
}
export interface DryNode {
	node: string;
	came: number;
	waiting: number;
	ways: DryCount[];
	sends: number;
	sends_assumed: number;
	skipped: DryCount[];
}
export interface DryTrip {
	at: string;
	occasion: string;
	outcome: string;
	is_cut: boolean;
	steps: DryStep[];
}
export interface DryPerson {
	person_id: string;
	customer: CustomerRow | null;
	time_zone: string | null;
	trips: DryTrip[];
}
/** What would have happened to everybody who would have come in on a day. */
export interface DryDay {
	from: string;
	to: string;
	known_until: string;
	people: number;
	times: number;
	is_estimate: boolean;
	looked_at: number;
	outcomes: DryCount[];
	reached_goal: DryCount;
	ends: DryCount[];
	cut: number;
	nodes: DryNode[];
	notes: { code: string; number: number | null; at: string | null; text: string }[];
	rows: DryPerson[];
}
/** A message that some could not be sent, for one reason. */
export interface Unreached {
	node: string;
	channel: string;
	template: string;
	reason: string;
	sentence: string;
	/** What has no value, as the template says it. */
	missing: string | null;
	people: number;
}
/** Who could not be sent what a plan sends, as things are now. */
export interface Reachability {
	basis: 'members' | 'came' | 'soon' | 'unknown';
	people: number;
	is_estimate: boolean;
	looked_at: number;
	unreached: number;
	messages: Unreached[];
	rows: { person_id: string; customer: CustomerRow | null; of: number[] }[];
}
export interface Message {
	id: string;
	person_id: string;
	channel: string;
	class: string;
	topic: string | null;
	journey: string | null;
	node: string | null;
	template: string;
	state: string;
	reason: string | null;
	sentence: string | null;
	response: string | null;
	attempts: number;
	decided_at: string;
	due_at: string | null;
	sent_at: string | null;
	delivered_at: string | null;
	bounced_at: string | null;
	complained_at: string | null;
	clicked_at: string | null;
	unsubscribed_at: string | null;
	/** What stands in it, if it is in the inbox on the company's site. */
	content?: { title: string | null; body: string } | null;
}
export interface MessageTo {
	customer: CustomerRow | null;
	message: Message;
}
export interface WhyJourney {
	sentences: string[];
	instances: InstanceShape[];
	messages: Message[];
}
export interface Cap {
	most: number;
	window: 'day' | 'week' | 'month' | { last: string };
	channel?: string;
	topic?: string;
}
export interface SendingRules {
	from: { name: string; address: string; reply_to?: string };
	quiet: { from: string; until: string; jitter_minutes: number } | null;
	caps: Cap[];
	yield_within: string;
	spare_the_troubled: boolean;
	confirmation_mails: boolean;
	holdout_percent: number;
	paused: boolean;
	most_per_domain_and_second: number;
	/** The company's own people, who get a copy of what campaigns send. */
	seed_list: string[];
}
/** A copy of a message for the company's own people. */
export interface MessageCopy {
	id: string;
	kind: string;
	address: string;
	template: string;
	person_id: string | null;
	journey: string | null;
	state: string;
	response: string | null;
	decided_at: string;
	sent_at: string | null;
}
export interface SendingSettings {
	settings: SendingRules;
	ways: { channel: string; is_ready: boolean }[];
	dns: { name: string; value: string }[];
	webhook_secret: string | null;
}
export interface SendingHealth {
	waiting: number;
	waiting_since: string | null;
	channels: { channel: string; state: string; messages: number; bounced: number; complained: number; unsubscribed: number }[];
	dead: { channel: string; reason: string; addresses: number }[];
	signs: string[];
}
/** What a journey brought in against who was held out. */
export interface JourneyEffect {
	days: number;
	holdout: {
		/** A split parts people too: one of its ways writes to nobody. */
		by: 'holdout' | 'split';
		control: string;
		treatment: string;
		held_out: number;
		treated: number;
		metrics: { metric: { name: string; form: string; currency: string | null }; estimate: number | null; low: number | null; high: number | null; reason: string | null; sentences: { code: string; tone: string; text: string }[] }[];
	} | null;
	note: string | null;
}
