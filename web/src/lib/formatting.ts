// Numbers, money, times and spans as people of one language, zone and currency write them. Pure: the reader is a parameter.

export interface Reader {
	locale: string;
	zone: string;
	now: () => number;
}

const cache = new Map<string, Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>();
function kept<T extends Intl.NumberFormat | Intl.DateTimeFormat | Intl.RelativeTimeFormat>(key: string, make: () => T): T {
	let found = cache.get(key) as T | undefined;
	if (!found) cache.set(key, (found = make()));
	return found;
}
const numberFormat = (locale: string, options: Intl.NumberFormatOptions) =>
	kept(`n${locale}${JSON.stringify(options)}`, () => new Intl.NumberFormat(locale, options));
const dateFormat = (reader: Reader, options: Intl.DateTimeFormatOptions) =>
	kept(`d${reader.locale}${reader.zone}${JSON.stringify(options)}`, () => new Intl.DateTimeFormat(reader.locale, { ...options, timeZone: reader.zone }));

export const NONE = '–';

export function number(reader: Reader, value: number | null | undefined, digits = 0): string {
	if (value === null || value === undefined || Number.isNaN(value)) return NONE;
	return numberFormat(reader.locale, { maximumFractionDigits: digits, minimumFractionDigits: digits }).format(value);
}

/** At most `digits` decimals, none where there are none. */
export function plain(reader: Reader, value: number | null | undefined, digits = 2): string {
	if (value === null || value === undefined || Number.isNaN(value)) return NONE;
	return numberFormat(reader.locale, { maximumFractionDigits: digits }).format(value);
}

export function compact(reader: Reader, value: number): string {
	return numberFormat(reader.locale, { notation: 'compact', maximumFractionDigits: 1 }).format(value);
}

/**
 * An amount in its currency. Amounts come as decimal strings and are formatted from the string, so no digit is lost on the way.
 * `whole` leaves out the fraction from 1,000 up, where it only gets in the way of comparing.
 */
export function money(reader: Reader, amount: string | number | null | undefined, currency: string, whole = false): string {
	if (amount === null || amount === undefined || amount === '') return NONE;
	const size = Math.abs(Number(amount));
	const options: Intl.NumberFormatOptions = { style: 'currency', currency, currencyDisplay: 'narrowSymbol' };
	if (whole && size >= 1000) options.maximumFractionDigits = 0;
	try {
		return numberFormat(reader.locale, options).format(amount as number);
	} catch {
		// A currency code the browser does not know, from someone's file.
		return `${plain(reader, Number(amount))} ${currency}`;
	}
}

export function compactMoney(reader: Reader, amount: number, currency: string): string {
	try {
		const options: Intl.NumberFormatOptions = { style: 'currency', currency, currencyDisplay: 'narrowSymbol', notation: 'compact', maximumFractionDigits: 1 };
		return numberFormat(reader.locale, options).format(amount);
	} catch {
		return `${compact(reader, amount)} ${currency}`;
	}
}

export function percent(reader: Reader, ratio: number | null | undefined, digits = 1): string {
	if (ratio === null || ratio === undefined || Number.isNaN(ratio)) return NONE;
	return numberFormat(reader.locale, { style: 'percent', maximumFractionDigits: digits, minimumFractionDigits: digits }).format(ratio);
}

/** A relative change with its sign, "+4.1%"; zero carries none. */
export function signedPercent(reader: Reader, ratio: number): string {
	return numberFormat(reader.locale, { style: 'percent', maximumFractionDigits: 1, minimumFractionDigits: 1, signDisplay: 'exceptZero' }).format(ratio);
}

export function signed(reader: Reader, value: number, digits = 1): string {
	return numberFormat(reader.locale, { maximumFractionDigits: digits, signDisplay: 'exceptZero' }).format(value);
}

const time = (iso: string | number): number => (typeof iso === 'number' ? iso : Date.parse(iso));

export function date(reader: Reader, iso: string | null | undefined): string {
	if (!iso || Number.isNaN(time(iso))) return NONE;
	return dateFormat(reader, { day: 'numeric', month: 'short', year: 'numeric' }).format(time(iso));
}

export function dateTime(reader: Reader, iso: string | null | undefined): string {
	if (!iso || Number.isNaN(time(iso))) return NONE;
	const options: Intl.DateTimeFormatOptions = { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23', timeZoneName: 'short' };
	return dateFormat(reader, options).format(time(iso));
}

/** A day and the minute, by the reader's clock: where a time is read, not proven. */
export function moment(reader: Reader, iso: string | null | undefined): string {
	if (!iso || Number.isNaN(time(iso))) return NONE;
	return dateFormat(reader, { day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(time(iso));
}

/** Two days as one range, "1 – 21 Nov 2026". */
export function dateRange(reader: Reader, from: string, to: string): string {
	if (Number.isNaN(time(from)) || Number.isNaN(time(to))) return NONE;
	// The end is exclusive on the wire; people read the last day that counts.
	return dateFormat(reader, { day: 'numeric', month: 'short', year: 'numeric' }).formatRange(time(from), Math.max(time(from), time(to) - 1));
}

const STEPS: [Intl.RelativeTimeFormatUnit, number][] = [
	['second', 60],
	['minute', 3600],
	['hour', 86_400],
	['day', 86_400 * 7]
];
const SECONDS: Record<string, number> = { second: 1, minute: 60, hour: 3600, day: 86_400 };

/** "2 hours ago" within a week, a date beyond it; `brief` where space is short. */
export function relative(reader: Reader, iso: string | null | undefined, brief = false): string {
	if (!iso || Number.isNaN(time(iso))) return NONE;
	const seconds = (time(iso) - reader.now()) / 1000;
	const step = STEPS.find(([, limit]) => Math.abs(seconds) < limit);
	if (!step) return date(reader, iso);
	const format = kept(`r${reader.locale}${brief}`, () => new Intl.RelativeTimeFormat(reader.locale, { numeric: 'auto', style: brief ? 'narrow' : 'long' }));
	return format.format(Math.trunc(seconds / SECONDS[step[0]]), step[0]);
}

/** A language by its tag; one that is no tag is shown as it is. */
export function language(reader: Reader, tag: string): string {
	try {
		return new Intl.DisplayNames(reader.locale, { type: 'language' }).of(tag) ?? tag;
	} catch {
		return tag;
	}
}

export type PeriodLength = 'hour' | 'day' | 'week' | 'month' | 'quarter' | 'year';

/** The name of the period that starts here, as short as an axis needs it. */
export function periodName(reader: Reader, start: string, interval: PeriodLength, long = false): string {
	const at = time(start);
	switch (interval) {
		case 'hour':
			return dateFormat(reader, { ...(long ? { day: 'numeric', month: 'short' } : {}), hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(at);
		case 'day':
		case 'week':
			return dateFormat(reader, { day: 'numeric', month: 'short', ...(long ? { year: 'numeric' } : {}) }).format(at);
		case 'month':
			return dateFormat(reader, { month: long ? 'long' : 'short', year: 'numeric' }).format(at);
		case 'quarter': {
			const [month, year] = [Number(dateFormat({ ...reader, locale: 'en' }, { month: 'numeric' }).format(at)), dateFormat({ ...reader, locale: 'en' }, { year: 'numeric' }).format(at)];
			return `Q${Math.ceil(month / 3)} ${year}`;
		}
		case 'year':
			return dateFormat(reader, { year: 'numeric' }).format(at);
	}
}

/** A span in its largest sensible unit: "38 min", "2.4 days". */
export function duration(reader: Reader, seconds: number | null | undefined): string {
	if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return NONE;
	const unit = (value: number, name: string, digits = 0) =>
		numberFormat(reader.locale, { style: 'unit', unit: name, unitDisplay: 'short', maximumFractionDigits: digits }).format(value);
	const size = Math.abs(seconds);
	if (size < 90) return unit(Math.round(seconds), 'second');
	if (size < 5400) return unit(Math.round(seconds / 60), 'minute');
	if (size < 129_600) return unit(seconds / 3600, 'hour', 1);
	return unit(seconds / 86_400, 'day', size < 864_000 ? 1 : 0);
}

export function bytes(reader: Reader, size: number): string {
	const names = ['byte', 'kilobyte', 'megabyte', 'gigabyte'];
	let index = 0;
	while (size >= 1000 && index < names.length - 1) {
		size /= 1000;
		index += 1;
	}
	return numberFormat(reader.locale, { style: 'unit', unit: names[index], unitDisplay: 'short', maximumFractionDigits: index ? 1 : 0 }).format(size);
}

export function initials(name: string): string {
	const words = name.trim().split(/\s+/).filter(Boolean);
	if (words.length === 0) return '?';
	const first = [...words[0]];
	// Names in Han, Kana or Hangul are known by their first sign.
	if (/[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]/.test(first[0])) return first[0];
	const last = words.length > 1 ? [...words[words.length - 1]][0] : '';
	return (first[0] + last).toUpperCase();
}

/** "average_order_value" or "trait.firstName" as words, where nothing better is known. */
export function humanize(key: string): string {
	const words = key.replace(/[_.\-/]+/g, ' ').replace(/([a-z])([A-Z])/g, '$1 $2').trim().toLowerCase();
	return words.charAt(0).toUpperCase() + words.slice(1);
}
