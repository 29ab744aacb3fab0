// Topics that a workspace keeps, as pages show and change them. Pure: the tree and its words, no screen.
import type { components } from '$lib/api/schema';
import type { Texts } from '$lib/surveys';

type Schemas = components['schemas'];
export type Topic = Omit<Schemas['TopicShape'], 'name'> & { name: Texts };
export type TopicTree = Omit<Schemas['TopicTree'], 'topics'> & { topics: Topic[] };
export type Aspect = Omit<Schemas['AspectShape'], 'name'> & { name: Texts | null };
export type Aspects = Omit<Schemas['AspectsAnswer'], 'rows'> & { rows: Aspect[] };
export type Clause = Schemas['ClauseShape'];
export type TopicMerge = Omit<Schemas['TopicMerge'], 'tree'> & { tree: TopicTree | null };

/** How far the tree goes down. */
export const DEEPEST = 4;

/** Every topic below the one above it, in the order in which they are kept, with how deep it stands. What hangs on nothing stands at the top. */
export function inOrder(topics: Topic[]): { topic: Topic; depth: number }[] {
	const known = new Set(topics.map((it) => it.key));
	const found: { topic: Topic; depth: number }[] = [];
	const below = (parent: string | null, depth: number) => {
		for (const topic of topics) {
			const above = topic.parent && known.has(topic.parent) ? topic.parent : null;
			if (above !== parent || depth >= DEEPEST) continue;
			found.push({ topic, depth });
			below(topic.key, depth + 1);
		}
	};
	below(null, 0);
	return found;
}

/** The topics to choose from, each as far in as it stands below others. */
export const indented = (topics: Topic[], name: (topic: Topic) => string): { value: string; label: string }[] =>
	inOrder(topics).map(({ topic, depth }) => ({ value: topic.key, label: '\u2003'.repeat(depth) + name(topic) }));

/** The topics that are kept and have one of these words for their own, as a theme that was found has them. */
export function keptFor(words: string[], topics: Topic[]): Topic[] {
	const said = new Set(words.map((word) => word.toLowerCase()));
	return topics.filter((it) => !it.is_retired && it.words.some((word) => said.has(word.toLowerCase())));
}

/** The topic itself and all that stand below it. */
export function withBelow(topics: Topic[], key: string): Set<string> {
	const found = new Set([key]);
	for (let grown = true; grown; ) {
		grown = false;
		for (const topic of topics) {
			if (!topic.parent || !found.has(topic.parent) || found.has(topic.key)) continue;
			found.add(topic.key);
			grown = true;
		}
	}
	return found;
}

/** Into which topics it can be merged: none that stands below it, and none that is retired. */
export function mergeable(topics: Topic[], key: string): Topic[] {
	const own = withBelow(topics, key);
	return topics.filter((it) => !own.has(it.key) && !it.is_retired);
}

/** Below which topics it can stand: not below itself, and not so that the tree goes too deep. */
export function places(topics: Topic[], key?: string): { topic: Topic; depth: number }[] {
	const order = inOrder(topics);
	const own = key === undefined ? new Set<string>() : withBelow(topics, key);
	const depths = order.filter((it) => own.has(it.topic.key)).map((it) => it.depth);
	const height = depths.length ? Math.max(...depths) - Math.min(...depths) + 1 : 1;
	return order.filter((it) => !own.has(it.topic.key) && it.depth + 1 + height <= DEEPEST);
}

/** Words of a field: parted by commas or lines, each once. */
export const wordsOf = (text: string): string[] => [...new Set(text.split(/[,，、;\n]/).map((it) => it.trim()).filter(Boolean))];

/** What a new topic is known by: of its name where that has Latin letters, and of no topic that is there. */
export function keyFor(name: string, topics: Topic[]): string {
	const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase().replace(/[^a-z0-9]+/g, '_').replace(/^_+|_+$/g, '').slice(0, 32);
	const base = plain || 'topic';
	// What was merged goes by its old key still.
	const taken = new Set(topics.flatMap((it) => [it.key, ...it.merged]));
	if (!taken.has(base)) return base;
	for (let n = 2; ; n++) if (!taken.has(`${base}_${n}`)) return `${base}_${n}`;
}

/** The tree with this topic changed, or added at its end. */
export const put = (topics: Topic[], topic: Topic): Topic[] => (topics.some((it) => it.key === topic.key) ? topics.map((it) => (it.key === topic.key ? topic : it)) : [...topics, topic]);

/** The tree without a topic: what stood below it moves up to where it stood. */
export function without(topics: Topic[], key: string): Topic[] {
	const parent = topics.find((it) => it.key === key)?.parent ?? null;
	return topics.filter((it) => it.key !== key).map((it) => (it.parent === key ? { ...it, parent } : it));
}
