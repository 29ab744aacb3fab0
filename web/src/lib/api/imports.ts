// The shapes of an import: what a file holds, what its columns mean, how far it is, what came of it.

export type ColumnType = 'empty' | 'integer' | 'decimal' | 'date' | 'boolean' | 'email' | 'id' | 'text';
export interface ValueCount {
	value: string;
	count: number;
}
export interface DateFacts {
	style: string;
	pattern: string;
	ambiguous: boolean;
	other_order: number;
	has_time: boolean;
	earliest: string;
	latest: string;
	/** Values on each weekday, Monday first. */
	weekdays: number[];
	swap_suspected: string | null;
}
export interface ColumnProfile {
	name: string;
	type: ColumnType;
	decimal_mark: 'point' | 'comma' | null;
	dates: DateFacts | null;
	blanks: number;
	distinct: number;
	distinct_is_exact: boolean;
	repeated: number | null;
	minimum: string | null;
	maximum: string | null;
	top: ValueCount[];
	sentinels: ValueCount[];
	point_zero: number;
	negative: number;
	zero: number;
	not_of_type: number;
	longest: number;
	notes: string[];
}
export interface FileProfile {
	file: string;
	bytes: number;
	format: { packing: string; encoding: string; byte_order_mark: boolean; layout: string; header: boolean; line_ends: string; columns: string[]; renamed: string[] };
	rows: number;
	bad_rows: number;
	repeated_rows: number;
	columns: ColumnProfile[];
	notes: string[];
}

export const ROLES = ['orders', 'order_items', 'payments', 'reviews', 'customers', 'products', 'categories', 'events', 'messages', 'ignored'] as const;
export type FileRole = (typeof ROLES)[number];
export const FIELDS = [
	'order_id', 'customer_id', 'customer_key', 'email', 'anonymous_id', 'date', 'time', 'quantity', 'price', 'line_total', 'order_total', 'discount', 'tax', 'shipping', 'currency',
	'product_id', 'product_name', 'category', 'category_translated', 'line_number', 'status', 'coupon', 'payment_method', 'payment_value', 'rating', 'review_id', 'review_title', 'review_text',
	'event_name', 'trait', 'property', 'ignore'
] as const;
export type Field = (typeof FIELDS)[number];
export const DATE_STYLES = ['year_month_day', 'day_month_year', 'month_day_year', 'compact', 'epoch_seconds', 'epoch_millis'] as const;

export type ValueReading =
	| { type: 'text' }
	| { type: 'id' }
	| { type: 'number'; decimal_mark?: 'point' | 'comma' }
	| { type: 'date'; style: string }
	| { type: 'boolean' };
export interface ColumnMapping {
	column: string;
	field: Field;
	key?: string;
	value: ValueReading;
	confidence: number;
	reason: string;
}
export interface FileMapping {
	file: string;
	role: FileRole;
	reason: string;
	columns: ColumnMapping[];
}
export interface Mapping {
	source: string | null;
	currency: string | null;
	time_zone: string;
	assumed_date: string | null;
	cancellation_prefix: string | null;
	files: FileMapping[];
	joins: { file: string; column: string; to_file: string; to_column: string; found: number }[];
	notes: string[];
}

/** One rule of reading and how many rows or orders it was used on. */
export interface RuleCount {
	rule: string;
	count: number;
	explanation: string;
}
/** What came of an import: every row read is taken, set aside or rejected. */
export interface Report {
	rows_read: number;
	rows_taken: number;
	rows_set_aside: number;
	/** Rows by the code of their fault. */
	rejected: Record<string, number>;
	rules: RuleCount[];
	/** Events by name. */
	events: Record<string, number>;
	orders: number;
	order_lines: number;
	customers: number;
	/** Amounts by currency; "" where none is known. */
	revenue: Record<string, string>;
	refunds: Record<string, string>;
	first: string | null;
	last: string | null;
	warnings: string[];
}
export const rejectedRows = (report: Report): number => Object.values(report.rejected).reduce((sum, count) => sum + count, 0);
export type ImportState = 'profiled' | 'running' | 'done' | 'failed' | 'cancelled';
export interface Import {
	id: string;
	name: string;
	state: ImportState;
	files: FileProfile[];
	mapping: Mapping;
	progress: { rows_read: number; rows_total: number; rate_per_second: number; seconds_left: number | null } | null;
	report: Report | null;
	/** Events that were new, and events that were there before. */
	added?: number | null;
	known?: number | null;
	created_at: string;
	error: string | null;
}
