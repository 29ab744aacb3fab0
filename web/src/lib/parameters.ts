// Parameters of a condition: values that have a name, so that they can be changed without touching the condition. Where one stands, the
// tree has { parameter: name }; what it is stands in `with` beside the outermost condition. Pure.
import type { Scalar } from './conditions';

export interface Parameter {
	parameter: string;
}
export type Parameters = Record<string, Scalar>;

export const isParameter = (value: unknown): value is Parameter => typeof value === 'object' && value !== null && 'parameter' in value && typeof value.parameter === 'string';

/** The names that a condition, or a part of one, uses; each once, in their order. */
export function parametersIn(value: unknown): string[] {
	if (isParameter(value)) return [value.parameter];
	if (typeof value !== 'object' || value === null) return [];
	return [...new Set(Object.values(value).flatMap(parametersIn))];
}

/** The same with the values in place of their names. What has no value stays. */
export function bound<T>(value: T, parameters: Parameters): T {
	if (isParameter(value)) return (parameters[value.parameter] ?? value) as T;
	if (Array.isArray(value)) return value.map((one) => bound(one, parameters)) as T;
	if (typeof value !== 'object' || value === null) return value;
	return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, bound(one, parameters)])) as T;
}

/** A length of time such as "90d". */
export const isSpan = (value: Scalar): value is string => typeof value === 'string' && /^[1-9]\d{0,9}[smhdw]$/.test(value);
