// The names of events and properties, for pickers. Asked once a visit, and again when a picker's page asks for fresh ones.
import { api } from '$lib/api/client';
import type { PeopleList, TemplateList } from '$lib/api/segments';
import type { EventName, Property, PropertyValues, Segment, Segments, Topic } from '$lib/api/types';
import { valueType, type ValueType } from '$lib/conditions';
import { humanize } from '$lib/formatting';
import { f, t, term, words } from '$lib/i18n/index.svelte';
import { localText } from '$lib/privacy';
import type { Choice } from '$lib/components/Combobox.svelte';

class Catalog {
	events = $state.raw<EventName[]>([]);
	#properties = $state.raw<Record<string, Property[]>>({});
	#values = $state.raw<Record<string, string[]>>({});
	#asked = new Set<string>();

	loadEvents(): void {
		if (this.#asked.has('')) return;
		this.#asked.add('');
		// Pickers work without the list: any name can be typed. So a failure is only tried again, not shown.
		api.get<{ rows: EventName[] }>('/events').then((list) => (this.events = list.rows)).catch(() => this.#asked.delete(''));
	}

	/** Properties of one event; of all events with "*". */
	propertiesOf(event: string): Property[] {
		return (this.#properties[event] ?? []).filter((property) => property.of === 'event');
	}

	loadProperties(event: string): void {
		if (!event || this.#asked.has(`p:${event}`)) return;
		this.#asked.add(`p:${event}`);
		api
			.get<{ rows: Property[] }>('/properties', { query: event === '*' ? {} : { event } })
			.then((list) => (this.#properties = { ...this.#properties, [event]: list.rows }))
			.catch(() => this.#asked.delete(`p:${event}`));
	}

	/** The most frequent values of a property, once they have been asked for. */
	valuesOf(event: string, path: string): string[] {
		if (path === WEEKDAY) return WEEKDAYS;
		return this.#values[`${event} ${path}`] ?? [];
	}

	loadValues(event: string, path: string): void {
		const key = `${event} ${path}`;
		if (!event || !path || path === WEEKDAY || this.#asked.has(`v:${key}`)) return;
		this.#asked.add(`v:${key}`);
		api
			.get<PropertyValues>('/properties/values', { query: { path, event: event === '*' ? '' : event } })
			.then((list) => (this.#values = { ...this.#values, [key]: list.rows.map((row) => row.value) }))
			.catch(() => this.#asked.delete(`v:${key}`));
	}

	typeOf(event: string, path: string): ValueType {
		if (path === HOUR) return 'number';
		return valueType(this.propertiesOf(event).find((property) => property.path === path)?.types ?? []);
	}

	eventChoices(): Choice[] {
		return [{ value: '*', label: t('event.any') }, ...this.events.map((event) => ({ value: event.name, label: event.name, detail: f.compact(event.count) }))];
	}

	/** The traits that are there, the most frequent first. */
	traitKeys(): string[] {
		const known = (this.#properties['*'] ?? []).filter((property) => property.of === 'trait').sort((a, b) => b.count - a.count);
		return known.length ? known.map((property) => property.path) : USUAL_TRAITS;
	}

	/** What is known of the accounts that people belong to. */
	#accountKeys(): string[] {
		return (this.#properties['*'] ?? []).filter((property) => property.of === 'account').map((property) => property.path);
	}

	/** All segments, and how many people there are; a page that has just asked for them tells what it got. */
	segments = $state.raw<Segments>();

	loadSegments(): void {
		if (this.#asked.has('segments')) return;
		this.#asked.add('segments');
		api.get<Segments>('/segments').then((list) => (this.segments = list)).catch(() => this.#asked.delete('segments'));
	}

	segmentName(key: string): string {
		return this.#segmentRows().find((segment) => segment.key === key)?.name ?? key;
	}

	segmentChoices(): Choice[] {
		return this.#segmentRows().map((segment) => ({ value: segment.key, label: segment.name, detail: segment.key }));
	}

	#segmentRows(): Segment[] {
		return this.segments?.rows ?? [];
	}

	/** Lists that were made by hand; the page of them tells what it got. */
	lists = $state.raw<PeopleList[]>([]);

	loadLists(): void {
		if (this.#asked.has('lists')) return;
		this.#asked.add('lists');
		api.get<{ rows: PeopleList[] }>('/lists').then((list) => (this.lists = list.rows)).catch(() => this.#asked.delete('lists'));
	}

	listName(key: string): string {
		return this.lists.find((list) => list.key === key)?.name ?? key;
	}

	listChoices(): Choice[] {
		return this.lists.map((list) => ({ value: list.key, label: list.name, detail: f.compact(list.size) }));
	}

	/** What people can choose to hear about; the page of them tells what it got. */
	topics = $state.raw<Topic[]>([]);

	loadTopics(): void {
		if (this.#asked.has('topics')) return;
		this.#asked.add('topics');
		api.get<{ rows: Topic[] }>('/privacy/topics').then((list) => (this.topics = list.rows)).catch(() => this.#asked.delete('topics'));
	}

	topicName(key: string): string {
		const topic = this.topics.find((topic) => topic.key === key);
		return topic ? localText(topic.names, words.language) : key;
	}

	/** Ready conditions; their thresholds are of today, and that is fresh enough for a visit. */
	#templates: Promise<TemplateList> | undefined;

	templates(): Promise<TemplateList> {
		this.#templates ??= api.get<TemplateList>('/segments/templates').catch((error) => {
			this.#templates = undefined;
			throw error;
		});
		return this.#templates;
	}

	/** What a fact holds, as far as the catalog knows: only traits are listed there. */
	factType(key: string): ValueType {
		// What a model says is a number.
		if (key.startsWith('value.') || (key.startsWith('loyalty_index.') && !key.endsWith('.kind'))) return 'number';
		if (!key.startsWith('trait.')) return 'text';
		return valueType((this.#properties['*'] ?? []).find((property) => property.of === 'trait' && property.path === key.slice(6))?.types ?? []);
	}

	/** Facts by their whole keys: the traits, what the server works out, and what was said about each channel. */
	factChoices(): Choice[] {
		// What models say is said in their words, which come when somebody looks for it.
		void words.with('models');
		const traits = this.traitKeys().map((key) => ({ value: `trait.${key}`, label: humanize(key), detail: key }));
		const made = MADE_FACTS.map((key) => ({ value: key, label: t(`fact.${key}`), detail: key }));
		const accounts = this.#accountKeys().map((key) => ({ value: `account.${key}`, label: t('fact.of_account', { name: humanize(key) }), detail: `account.${key}` }));
		return [...traits, ...accounts, ...made, ...CHANNELS.map((channel) => ({ value: `consent.${channel}`, label: t('condition.consent', { channel: term('identifier', channel) }), detail: `consent.${channel}` }))];
	}

	propertyChoices(event: string, only?: ValueType): Choice[] {
		const all = this.propertiesOf(event).filter((property) => !only || valueType(property.types) === only);
		const own = all.map((property) => ({ value: property.path, label: property.path, detail: property.types.join(', ') }));
		// A figure is not made of when something happened; that is tested only.
		return only ? own : [...own, ...([HOUR, WEEKDAY] as const).map((path) => ({ value: path, label: t(`property.${path}`), detail: path }))];
	}
}

export const catalog = new Catalog();

/** What every event has: when it happened. */
const HOUR = 'occurred.hour';
const WEEKDAY = 'occurred.weekday';
const WEEKDAYS = ['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'];
/** Traits a shop usually has, for a workspace that has none yet; any other key can be typed. */
const USUAL_TRAITS = ['country', 'city', 'language', 'plan', 'company'];
/** The channels one can ask consent for. */
const CHANNELS = ['email', 'sms', 'push', 'phone'];
/** Facts that the server works out of what people do. */
const MADE_FACTS = ['rfm.group', 'lifecycle.stage', 'engagement.level', 'value.expected', 'value.alive', 'value.purchases', 'value.tenth', 'next_order.expected_at', 'churn.risk', 'churn.level', 'loyalty_index.value', 'loyalty_index.said', 'loyalty_index.done', 'loyalty_index.kind'] as const;
