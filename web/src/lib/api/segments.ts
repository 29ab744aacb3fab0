// The shapes around segments: an estimate, the reasons of one person, what sets members apart, what they are worth, how people move,
// lists, exports and webhooks.
import type { Tree } from '$lib/condition-tree';
import type { CustomerRow, Member } from './types';

/** Counted whole when as many were looked at as there are; a guess from a sample otherwise. */
export interface Estimate {
	people: number;
	at_least: number;
	at_most: number;
	of: number;
	looked_at: number;
	examples: Member[];
	text: string;
	warnings: string[];
	computed_ms: number;
}

/** What a test finds for somebody now. */
export interface Figure {
	kind: 'count' | 'amount' | 'value' | 'at' | 'passed' | 'place';
	value: number | string | boolean | null;
	/** Seconds that have to pass, for `passed`. */
	needed?: number;
}
export interface WhyPart {
	text: string;
	kind: 'all' | 'any' | 'not' | 'test';
	holds: boolean;
	since?: string | null;
	figure?: Figure | null;
	parts?: WhyPart[];
}
export interface Why extends WhyPart {
	/** For who is not in it: the fewest tests that would have to turn out otherwise. */
	nearest?: WhyPart[];
}

export const MEMBER_LISTS = ['now', 'entered', 'left'] as const;
export type MemberList = (typeof MEMBER_LISTS)[number];
export type MemberRow = Member & { left_at?: string | null };

export interface Intersections {
	rows: { keys: string[]; people: number }[];
}

export interface TraitRow {
	kind: 'fact' | 'did';
	/** A fact's key such as "trait.country", or an event's name. */
	key: string;
	/** As text; ">= 42" for amounts; null for events. */
	value: string | number | boolean | null;
	members_with: number;
	members_share: number;
	others_with: number;
	others_share: number;
	/** Null where nobody else has it. */
	lift: number | null;
	lift_low: number | null;
	lift_high: number | null;
	p: number;
	q: number;
	/** More than chance explains, all rows together considered. */
	distinct: boolean;
}
export interface Traits {
	members: number;
	others: number;
	/** How many customers were looked at, and of how many; left out where it is all of them. */
	looked_at?: number;
	of?: number;
	rows: TraitRow[];
}

export interface PersonaFigure {
	key: string;
	median: number | null;
	/** The quartiles of the members. */
	low: number | null;
	high: number | null;
	/** The median of everybody. */
	everyone: number | null;
}
export interface PersonaPath {
	steps: string[];
	members_share: number;
	others_share: number;
	lift: number | null;
}
export interface Persona {
	size: number;
	least: number;
	enough: boolean;
	figures: PersonaFigure[];
	example: { customer: CustomerRow; figures: Record<string, number | null> } | null;
	traits: TraitRow[];
	paths: PersonaPath[];
}

export const FLOW_FACTS = ['lifecycle.stage', 'rfm.group', 'engagement.level'] as const;
export type FlowFact = (typeof FLOW_FACTS)[number];
export interface FlowLink {
	/** Null: not known yet. */
	was: string | null;
	is: string | null;
	people: number;
}
export interface Flows {
	fact: string;
	from: string;
	to: string;
	values: string[];
	links: FlowLink[];
}
export interface FlowPeople {
	rows: CustomerRow[];
	more: boolean;
}

export interface ValueMonth {
	/** "2026-11" */
	month: string;
	complete: boolean;
	members: number;
	orders: number;
	revenue: number | string;
	others_revenue: number | string;
	per_member: number | string | null;
	per_other: number | string | null;
	/** The mean of the scores, as they were given. */
	satisfaction: number | null;
	answers: number;
}
export interface SegmentValue {
	currency: string;
	rows: ValueMonth[];
}

export interface TemplateRow {
	key: string;
	category: string;
	condition: Tree;
	text: string;
	thresholds: Record<string, number | string>;
}
export interface TemplateList {
	/** How many people the thresholds come from. */
	people: number;
	rows: TemplateRow[];
}

export interface PeopleList {
	key: string;
	name: string;
	size: number;
	created_at: string;
}
export interface ListChange {
	changed: number;
	/** Identifiers that are nobody's. */
	unknown: string[];
}

export const WEBHOOK_EVENTS = [
	'membership.entered',
	'membership.exited',
	'membership.restated',
	'person.erased',
	'journey.entered',
	'journey.exited',
	'journey.goal_reached',
	'experiment.exposed',
	'message.sent',
	'message.delivered',
	'message.bounced',
	'message.complained',
	'message.clicked',
	'message.failed',
	'points.earned',
	'points.spent',
	'points.held',
	'points.captured',
	'points.released',
	'points.returned',
	'points.adjusted',
	'points.transferred',
	'points.received',
	'points.reversed',
	'points.extended',
	'points.forfeited',
	'points.merged',
	'points.activated',
	'points.expired',
	'points.expiring',
	'member.enrolled',
	'member.changed',
	'member.merged',
	'offers.redeemed',
	'offers.returned',
	'reward.redeemed',
	'redemption.fulfilled',
	'redemption.cancelled',
	'voucher.used',
	'gift.made',
	'gift.claimed',
	'gift.cancelled',
	'gift.timed_out',
	'transfer.reversed',
	'household.invited',
	'household.joined',
	'household.left',
	'points.shared',
	'tier.reached',
	'tier.lost',
	'tier.kept',
	'tier.progressed',
	'referral.made',
	'referral.converted',
	'referral.qualified',
	'referral.rewarded',
	'referral.taken_back',
	'challenge.joined',
	'challenge.progressed',
	'challenge.completed',
	'challenge.lapsed',
	'badge.received',
	'badge.taken_back',
	'leaderboard.joined',
	'leaderboard.left',
	'leaderboard.won',
	'partner.given',
	'partner.burned',
	'partner.returned',
	'partner.month_closed',
	'gift_card.issued',
	'gift_card.topped_up',
	'gift_card.spent',
	'gift_card.refunded',
	'gift_card.claimed',
	'gift_card.voided'
] as const;
export type WebhookEvent = (typeof WEBHOOK_EVENTS)[number];
export interface Webhook {
	id: string;
	url: string;
	events: string[];
	/** Keys; empty means all. */
	segments: string[];
	active: boolean;
	created_at: string;
	/** Messages not delivered yet. */
	waiting: number;
	last_at: string | null;
	last_status: number | null;
	last_error: string | null;
}
export type NewWebhook = Webhook & { secret: string };
export interface WebhookTest {
	status: number | null;
	error: string | null;
	took_ms: number;
}

export const EXPORT_FORMATS = ['csv', 'parquet'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];
export interface ExportRun {
	at: string;
	rows: number;
	file: string | null;
	error: string | null;
}
export interface SegmentExports {
	schedule: { format: ExportFormat; every_hours: number; next_at: string } | null;
	runs: ExportRun[];
}
