// Templates of messages as the editor works on them: their shapes, blocks by path, places of findings, and the past of a draft. All of it pure;
// every change makes a new object, so that an earlier one can come back.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type TemplateSummary = Schemas['TemplateSummary'];
export type TemplateVersion = Schemas['TemplateVersion'];
export type Finding = Schemas['FindingShape'];
export type LookedOver = Schemas['LookedOver'];
export type Preview = Schemas['Preview'];
export type Token = Schemas['TokenShape'];
export type Letterhead = Schemas['Letterhead'];
export type Customers = Schemas['Customers'];
export interface TemplatePage {
	summary: TemplateSummary;
	template: Template;
	versions: TemplateVersion[];
}
export interface ReadyTemplate {
	key: string;
	template: Template;
	needs: string[];
}

export const FORMS = ['email', 'text', 'push', 'slot'] as const;
export type Form = (typeof FORMS)[number];
export const PURPOSES = ['marketing', 'service', 'support'] as const;

export interface Blocks {
	heading: { text: string; level?: number };
	text: { text: string };
	button: { label: string; url: string };
	image: { url: string; alt?: string; link?: string; width?: number; bytes?: number };
	products: { each: string; at_most?: number; image?: string; title: string; text?: string; url: string };
	columns: { columns: Block[][] };
	divider: Record<string, never>;
	spacer: { height: number };
	group: { when: string; blocks: Block[] };
}
export type BlockKind = keyof Blocks;
export type Block = { [K in BlockKind]: { [P in K]: Blocks[K] } }[BlockKind];
export const KINDS: BlockKind[] = ['heading', 'text', 'button', 'image', 'products', 'columns', 'group', 'divider', 'spacer'];
/** What may stand within columns. */
export const SIMPLE: BlockKind[] = ['heading', 'text', 'button', 'image', 'divider', 'spacer'];

export interface Theme {
	accent: string;
	page: string;
	panel: string;
	ink: string;
}
export const THEME: Theme = { accent: '#1d4ed8', page: '#f3f4f6', panel: '#ffffff', ink: '#1f2937' };
export interface Email {
	subject: string;
	preheader?: string;
	theme?: Theme;
	blocks?: Block[];
	mjml?: string;
	text?: string;
}
export interface Note {
	title?: string;
	body: string;
	url?: string;
	image_url?: string;
	label?: string;
	/** What WhatsApp takes later than 24 hours after the reader's last message; text messages only. */
	approved?: Approved;
}
export interface Approved {
	id: string;
	/** What fills the gaps {{1}}, {{2}} of the approved text, in order. */
	variables?: string[];
}
export type Variant = Email | Note;
export interface Template {
	name: string;
	purpose: string;
	default_language: string;
	content: Partial<Record<Form, Record<string, Variant>>>;
}

export const formOf = (template: Template): Form => FORMS.find((form) => template.content[form]) ?? 'email';
export const variantsOf = (template: Template): Record<string, Variant> => template.content[formOf(template)] ?? {};
export const languagesOf = (template: Template): string[] => {
	const all = Object.keys(variantsOf(template)).sort();
	return [template.default_language, ...all.filter((tag) => tag !== template.default_language)].filter((tag) => all.includes(tag));
};
export const kindOf = (block: Block): BlockKind => Object.keys(block)[0] as BlockKind;
export const bodyOf = <K extends BlockKind>(block: Block, kind: K): Blocks[K] => (block as Record<K, Blocks[K]>)[kind];

/** The words of a new block, which the console says in its own language. */
export interface Words {
	heading: string;
	text: string;
	label: string;
}

export function newBlock(kind: BlockKind, words: Words): Block {
	switch (kind) {
		case 'heading': return { heading: { text: words.heading, level: 2 } };
		case 'text': return { text: { text: words.text } };
		case 'button': return { button: { label: words.label, url: '{{ company.url }}' } };
		case 'image': return { image: { url: 'https://', alt: '' } };
		case 'products': return { products: { each: 'cart.items', at_most: 4, image: '{{ product.image_url }}', title: '{{ product.name }}', text: '{{ product.price|money(product.currency) }}', url: '{{ product.url }}' } };
		case 'columns': return { columns: { columns: [[{ text: { text: words.text } }], [{ text: { text: words.text } }]] } };
		case 'group': return { group: { when: 'profile.first_name', blocks: [{ text: { text: words.text } }] } };
		case 'divider': return { divider: {} };
		case 'spacer': return { spacer: { height: 16 } };
	}
}

/** A template to begin with; `footer` is what a message for marketing must end with. */
export function blank(form: Form, name: string, language: string, words: Words & { subject: string; footer: string }): Template {
	const variant: Variant = form === 'email'
		? { subject: words.subject, preheader: '', theme: THEME, blocks: [newBlock('heading', words), newBlock('text', words), { divider: {} }, { text: { text: words.footer } }] }
		: form === 'push' ? { title: words.heading, body: words.text } : form === 'slot' ? { title: words.heading, body: words.text, label: words.label, url: '{{ company.url }}' } : { body: words.text };
	return { name, purpose: 'marketing', default_language: language, content: { [form]: { [language]: variant } } };
}

// Paths: into a template, e.g. ['content', 'email', 'en', 'blocks', 2, 'button', 'label'].
export type Path = (string | number)[];

export function at(root: unknown, path: Path): unknown {
	return path.reduce<unknown>((value, step) => (value === null || typeof value !== 'object' ? undefined : (value as Record<string | number, unknown>)[step]), root);
}

/** The same with another value at a path; `undefined` takes the member away. */
export function put<T>(root: T, path: Path, value: unknown): T {
	if (path.length === 0) return value as T;
	const [step, ...rest] = path;
	if (Array.isArray(root)) return root.map((item, i) => (i === step ? put(item, rest, value) : item)) as T;
	const object = { ...(root as Record<string, unknown>) };
	const next = rest.length ? put(object[step] ?? {}, rest, value) : value;
	if (next === undefined) delete object[step];
	else object[step] = next;
	return object as T;
}

/** Puts a block into the list at a path. */
export const insert = <T>(root: T, list: Path, index: number, block: Block): T => put(root, list, (at(root, list) as Block[]).toSpliced(index, 0, block));
export const remove = <T>(root: T, list: Path, index: number): T => put(root, list, (at(root, list) as Block[]).toSpliced(index, 1));
/** Moves a block up or down in its list; at the end of it nothing happens. */
export function move<T>(root: T, list: Path, index: number, step: -1 | 1): T {
	const blocks = at(root, list) as Block[];
	const to = index + step;
	if (to < 0 || to >= blocks.length) return root;
	return put(root, list, blocks.toSpliced(index, 1).toSpliced(to, 0, blocks[index]));
}

/** The place as findings name it, and back. */
export const placeOf = (path: Path): string => path.map((step, i) => (typeof step === 'number' ? `[${step}]` : (i ? '.' : '') + step)).join('');
export const pathOf = (place: string): Path => [...place.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map((found) => (found[1] === undefined ? found[0] : Number(found[1])));
/** The language that a place is in. */
export const languageOf = (place: string): string | undefined => (place.startsWith('content.') ? (pathOf(place)[2] as string | undefined) : undefined);
/** Of several places the one that names most of another one: a finding may lie deeper than a field, or in a part that has none. */
export function nearest(places: string[], wanted: string): string | undefined {
	const holds = (place: string) => wanted === place || wanted.startsWith(`${place}.`) || wanted.startsWith(`${place}[`);
	return places.filter(holds).sort((a, b) => b.length - a.length)[0] ?? places.find((place) => place.startsWith(`${wanted}.`) || place.startsWith(`${wanted}[`));
}

/** Where a line and column are in a text; letters are counted as the server counts them. */
export function offset(text: string, line: number, column: number): number {
	const lines = text.split('\n');
	const before = lines.slice(0, line - 1).reduce((sum, one) => sum + one.length + 1, 0);
	return Math.min(text.length, before + [...(lines[line - 1] ?? '')].slice(0, column - 1).join('').length);
}

/** A few words that say which block it is. */
export function summary(block: Block): string {
	const kind = kindOf(block);
	const body = bodyOf(block, kind) as Record<string, unknown>;
	if (kind === 'columns') return String((block as { columns: Blocks['columns'] }).columns.columns.length);
	if (kind === 'spacer') return `${body.height} px`;
	return String(body.text ?? body.label ?? body.alt ?? body.each ?? body.when ?? '').replace(/\s+/g, ' ').slice(0, 90);
}

/** How a token is written into a text: with a fallback where it may be missing. */
export const written = (token: Pick<Token, 'path' | 'always'>): string => (token.always ? `{{ ${token.path} }}` : `{{ ${token.path}|default("") }}`);

/** The past and future of a draft. What is changed at the same place within a moment is one step. */
export class History<T> {
	#past: T[] = [];
	#future: T[] = [];
	#place = '';
	#at = 0;
	constructor(
		public present: T,
		private readonly moment = 900
	) {}
	change(next: T, place: string, now: number): void {
		if (next === this.present) return;
		if (place === '' || place !== this.#place || now - this.#at > this.moment) this.#past = [...this.#past.slice(-199), this.present];
		[this.#place, this.#at, this.#future, this.present] = [place, now, [], next];
	}
	undo(): T {
		const before = this.#past.at(-1);
		if (before !== undefined) [this.#past, this.#future, this.present] = [this.#past.slice(0, -1), [this.present, ...this.#future], before];
		this.#place = '';
		return this.present;
	}
	redo(): T {
		const [after, ...rest] = this.#future;
		if (after !== undefined) [this.#past, this.#future, this.present] = [[...this.#past, this.present], rest, after];
		this.#place = '';
		return this.present;
	}
	get canUndo(): boolean {
		return this.#past.length > 0;
	}
	get canRedo(): boolean {
		return this.#future.length > 0;
	}
}
