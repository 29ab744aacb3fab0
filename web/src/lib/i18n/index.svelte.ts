// The words of the console. English is always there; other languages are loaded when chosen. A message may hold {name}
// placeholders, and two forms split by " || " for one and for other numbers of {n}.
import { browser } from '$app/environment';
import { useLanguage } from '$lib/api/client';
import { session } from '$lib/state/session.svelte';
import * as pure from '$lib/formatting';
import { en } from './en';
import { fill, type Params } from './fill';

type English = typeof en & (typeof import('./en/outreach'))['outreach'] & (typeof import('./en/feedback'))['feedback'] & (typeof import('./en/data'))['data'] & (typeof import('./en/loyalty'))['loyalty'] & (typeof import('./en/templates'))['templates'] & (typeof import('./en/models'))['models'] & (typeof import('./en/portraits'))['portraits'];
export type Key = keyof English;
export type Messages = Record<keyof typeof en, string>;
export type Language = 'en' | 'zh';

export const LANGUAGES: { tag: Language; name: string }[] = [
	{ tag: 'en', name: 'English' },
	{ tag: 'zh', name: '中文' }
];

/** Words that only some rooms need; they come with those rooms, so that a first visit stays small. */
const LATER = {
	data: { en: () => import('./en/data').then((it) => it.data), zh: () => import('./zh/data').then((it) => it.data) },
	templates: { en: () => import('./en/templates').then((it) => it.templates), zh: () => import('./zh/templates').then((it) => it.templates) },
	models: { en: () => import('./en/models').then((it) => it.models), zh: () => import('./zh/models').then((it) => it.models) },
	portraits: { en: () => import('./en/portraits').then((it) => it.portraits), zh: () => import('./zh/portraits').then((it) => it.portraits) },
	places: { en: () => import('./en/loyalty-places').then((it) => it.places), zh: () => import('./zh/loyalty-places').then((it) => it.places) },
	outreach: { en: () => import('./en/outreach').then((it) => it.outreach), zh: () => import('./zh/outreach').then((it) => it.outreach) },
	loyalty: { en: () => import('./en/loyalty').then((it) => it.loyalty), zh: () => import('./zh/loyalty').then((it) => it.loyalty) },
	feedback: { en: () => import('./en/feedback').then((it) => it.feedback), zh: () => import('./zh/feedback').then((it) => it.feedback) }
};
type Later = keyof typeof LATER;
type Some = Partial<Record<Key, string>>;

class Words {
	language = $state<Language>('en');
	#messages = $state.raw<Messages>(en);
	#later = $state.raw<Some>({});
	#told = $state.raw<(text: string) => string>((text) => text);
	#laterEnglish: Some = {};
	#brought: Later[] = [];
	/** Ticks once a minute, so that "2 minutes ago" stays true on a page left open. */
	now = $state(Date.now());

	async start(): Promise<void> {
		if (!browser) return;
		setInterval(() => (this.now = Date.now()), 60_000);
		const stored = localStorage.getItem('rapport.language');
		const wanted = stored ?? navigator.language.slice(0, 2);
		await this.choose(wanted === 'zh' ? 'zh' : 'en', false);
	}

	async choose(language: Language, remember = true): Promise<void> {
		this.#messages = language === 'zh' ? (await import('./zh')).zh : en;
		this.#told = language === 'zh' ? (await import('./told-in-chinese')).told : (text) => text;
		this.#later = await this.#laterIn(language);
		this.language = language;
		if (remember) localStorage.setItem('rapport.language', language);
		document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
		useLanguage(language);
	}

	async #laterIn(language: Language): Promise<Some> {
		if (language === 'en') return { ...this.#laterEnglish };
		return Object.assign({}, ...(await Promise.all(this.#brought.map((room) => LATER[room].zh()))));
	}
	/** Brings the words of rooms; a page that says any of them waits for it. */
	async with(...rooms: Later[]): Promise<void> {
		const missing = rooms.filter((room) => !this.#brought.includes(room));
		if (!missing.length) return;
		Object.assign(this.#laterEnglish, ...(await Promise.all(missing.map((room) => LATER[room].en()))));
		this.#brought.push(...missing);
		this.#later = await this.#laterIn(this.language);
	}

	/** The workspace's own locale where it is of this language, so that dates and thousands look as at home. */
	get locale(): string {
		const own = session.me?.workspace.locale.replace('_', '-');
		if (own?.startsWith(this.language)) return own;
		return this.language === 'zh' ? 'zh-CN' : 'en-GB';
	}

	get(key: Key, params: Params): string {
		return fill((this.#messages as Some)[key] ?? this.#later[key] ?? (en as Some)[key] ?? this.#laterEnglish[key] ?? key, params, this.locale);
	}

	/** What the server says of an event, in the reader's language. */
	told(text: string): string {
		return this.#told(text);
	}

	has(key: string): key is Key {
		return key in en || key in this.#laterEnglish;
	}
}

export const words = new Words();

export const t = (key: Key, params: Params = {}): string => words.get(key, params);

/** A word of the data's vocabulary (a kind, a state) that may be newer than this console: unknown ones are shown as words. */
export function term(prefix: string, value: string): string {
	const key = `${prefix}.${value}`;
	return words.has(key) ? t(key) : pure.humanize(value);
}

const reader = (): pure.Reader => ({ locale: words.locale, zone: session.zone, now: () => words.now });

/** The formatting functions for the person at the screen. */
export const f = {
	number: (value: number | null | undefined, digits = 0) => pure.number(reader(), value, digits),
	plain: (value: number | null | undefined, digits = 2) => pure.plain(reader(), value, digits),
	compact: (value: number) => pure.compact(reader(), value),
	money: (amount: string | number | null | undefined, currency?: string | null, whole = false) => pure.money(reader(), amount, currency || session.currency, whole),
	compactMoney: (amount: number, currency?: string | null) => pure.compactMoney(reader(), amount, currency || session.currency),
	percent: (ratio: number | null | undefined, digits = 1) => pure.percent(reader(), ratio, digits),
	signedPercent: (ratio: number) => pure.signedPercent(reader(), ratio),
	signed: (value: number, digits = 1) => pure.signed(reader(), value, digits),
	date: (iso: string | null | undefined) => pure.date(reader(), iso),
	dateTime: (iso: string | null | undefined) => pure.dateTime(reader(), iso),
	moment: (iso: string | null | undefined) => pure.moment(reader(), iso),
	dateRange: (from: string, to: string) => pure.dateRange(reader(), from, to),
	relative: (iso: string | null | undefined, brief = false) => pure.relative(reader(), iso, brief),
	period: (start: string, interval: pure.PeriodLength, long = false) => pure.periodName(reader(), start, interval, long),
	duration: (seconds: number | null | undefined) => pure.duration(reader(), seconds),
	bytes: (size: number) => pure.bytes(reader(), size),
	language: (tag: string) => pure.language(reader(), tag)
};
