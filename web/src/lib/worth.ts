// What members are worth, month by month. Pure.
import type { ValueMonth } from './api/segments';

/** A moment in the month that has the month's name in every zone. */
export const monthStart = (month: string): string => `${month}-02T12:00:00Z`;

/** Amounts come as numbers or as decimal strings; for a line they are numbers. */
export const numbers = (values: (number | string | null)[]): (number | null)[] => values.map((value) => (value === null ? null : Number(value)));

/** The latest month that is over and had members. */
export const lastWhole = (rows: ValueMonth[]): ValueMonth | null => rows.filter((row) => row.complete && row.members > 0).at(-1) ?? null;
