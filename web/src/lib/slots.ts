// Slots as their pages work on them: what is shown to whom as a draft, what it lacks, and the snippet for the company's own page. All of it pure.
import type { components } from '$lib/api/schema';

type Schemas = components['schemas'];
export type Slot = Schemas['SlotShape'] & { definition: Definition };
export type SlotEffect = Schemas['SlotEffect'];
export type SlotVersion = Schemas['SlotVersion'] & { definition: Definition };
export type SlotPreview = Omit<Schemas['SlotPreview'], 'content'> & { content: SlotContent | null };
export type SlotPage = Omit<Schemas['SlotPage'], 'slot' | 'versions'> & { slot: Slot; versions: SlotVersion[] };

export const METHODS = ['for_person', 'popular', 'recent'] as const;
export type Method = (typeof METHODS)[number];
export type Show = { template: string } | { products: { method: Method; limit: number } } | 'nothing';
export interface SlotVariant {
	segment?: string;
	/** The policy's arm that it is. */
	arm?: string;
	show: Show;
}
export interface Definition {
	variants: SlotVariant[];
	/** The policy that chooses among the variants that are its arms. */
	policy?: string;
	holdout_percent: number;
	cap?: { most: number; within: string };
}
export interface SlotProduct {
	id: string;
	name: string;
	price: string;
	currency: string;
	url: string;
	image_url: string;
}
export interface SlotContent {
	title: string | null;
	body: string;
	url: string | null;
	image_url: string | null;
	label: string | null;
	language: string | null;
	products: SlotProduct[];
}

export const KINDS = ['template', 'products', 'nothing'] as const;
export type ShowKind = (typeof KINDS)[number];
export const kindOf = (show: Show): ShowKind => (show === 'nothing' ? 'nothing' : 'template' in show ? 'template' : 'products');
export const showOf = (kind: ShowKind): Show => (kind === 'nothing' ? 'nothing' : kind === 'template' ? { template: '' } : { products: { method: 'for_person', limit: 4 } });

/** A slot to begin with: what fits people, and what most buy for everybody else. */
export const blank = (): Definition => ({ variants: [{ segment: '', show: showOf('template') }, { show: { products: { method: 'popular', limit: 4 } } }], holdout_percent: 0 });

/** Variants for people of a segment, in order, and what everybody else gets, if anything. */
export function parted(definition: Definition): { chosen: SlotVariant[]; usual: SlotVariant | undefined } {
	const isUsual = (it: SlotVariant) => it.segment === undefined && it.arm === undefined;
	return { chosen: definition.variants.filter((it) => !isUsual(it)), usual: definition.variants.find(isUsual) };
}
/** The same chosen by a policy, whose arms the first variants become; or without one again. */
export function decidedBy(definition: Definition, policy: { key: string; arms: { key: string }[] } | undefined): Definition {
	const { chosen, usual } = parted(definition);
	const { policy: _, ...rest } = definition;
	if (!policy) return joined(rest, chosen.map(({ arm: _, ...it }) => ({ ...it, segment: it.segment ?? '' })), usual);
	const known = policy.arms.map((it) => it.key);
	const free = chosen.filter((it) => !it.arm || !known.includes(it.arm));
	const arms = known.map((arm): SlotVariant => {
		const found = chosen.find((it) => it.arm === arm) ?? free.shift() ?? { show: showOf('template') };
		const { segment, ...others } = found;
		return { ...(segment ? { segment } : {}), ...others, arm };
	});
	return joined({ ...rest, policy: policy.key }, arms, usual);
}
/** The definition again. Without anything for everybody else the page shows what it has by itself. */
export const joined = (definition: Definition, chosen: SlotVariant[], usual: SlotVariant | undefined): Definition => ({ ...definition, variants: usual ? [...chosen, usual] : chosen });

/** A variant one step up or down; at the end of the list nothing happens. */
export function moved<T>(rows: T[], at: number, step: -1 | 1): T[] {
	const to = at + step;
	if (to < 0 || to >= rows.length) return rows;
	return rows.toSpliced(at, 1).toSpliced(to, 0, rows[at]);
}

const lacksContent = (show: Show): boolean => kindOf(show) === 'template' && !(show as { template: string }).template;
/** What keeps a draft from being saved, as a word; empty when nothing does. */
export function missing(name: string, definition: Definition): '' | 'name' | 'variants' | 'segment' | 'template' {
	if (!name.trim()) return 'name';
	if (definition.variants.length === 0) return 'variants';
	if (definition.variants.some((it) => it.segment === '' && it.arm === undefined)) return 'segment';
	if (definition.variants.some((it) => lacksContent(it.show))) return 'template';
	return '';
}

/** What a list says of a slot's state. */
export function stateOf(slot: Pick<Slot, 'archived_at' | 'views'>): 'archived' | 'asked' | 'quiet' {
	return slot.archived_at ? 'archived' : slot.views > 0 ? 'asked' : 'quiet';
}

/** What stands on the company's page: the script once, and the place with what is seen until it is filled. */
export const snippet = (origin: string, key: string): string => `<script async src="${origin}/slots.js" data-write-key="YOUR_WRITE_KEY"
  data-user-id="USER" data-user-hash="HASH"></${'script'}>
<div data-rapport-slot="${key}">What everybody sees until then</div>`;
