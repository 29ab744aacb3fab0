import { describe, expect, it } from 'vitest';
import { arcs, costliest, inBlock, isOfModels, isUnsure, isWhole, ordered, readBounds, readDrawn, ways, withPath, writeBounds, type Model, type ModelPath } from '../../src/lib/survey-model';

const path = (from: string, to: string, estimate: number | null = 0.5): ModelPath => ({ from, to, path: estimate === null ? null : { estimate, low: estimate - 0.1, high: estimate + 0.1 }, total_effect: { estimate: 0.5, low: 0.4, high: 0.6 }, by_covariances: null, hardly_apart: false });
const USUAL: [string, string[]][] = [['image', ['expectation', 'satisfaction', 'loyalty']], ['expectation', ['quality', 'value', 'satisfaction']], ['quality', ['value', 'satisfaction']], ['value', ['satisfaction']], ['satisfaction', ['complaint', 'loyalty']], ['complaint', ['loyalty']]];
const KEYS = ['image', 'expectation', 'quality', 'value', 'satisfaction', 'complaint', 'loyalty'];
const PATHS = USUAL.flatMap(([from, all]) => all.map((to) => path(from, to)));

describe('the people behind a model', () => {
	it('keeps what is asked in the address, of blocks that there are', () => {
		const bounds = [{ block: 'satisfaction', from: 67, to: undefined }, { block: 'a:b, c', from: undefined, to: 50 }];
		const text = writeBounds(bounds);
		expect(readBounds(text, ['satisfaction', 'a:b, c'])).toEqual(bounds);
		expect(readBounds(text, ['satisfaction'])).toEqual([bounds[0]]);
		expect([readBounds(null, KEYS), readBounds('loyalty::', KEYS), readBounds('loyalty:x:y', KEYS)]).toEqual([[], [], []]);
		expect(readBounds('loyalty:-4:400', KEYS)).toEqual([{ block: 'loyalty', from: 0, to: 100 }]);
	});
	it('asks who has what leads somewhere and is not there, of paths that are sure and lead up', () => {
		expect(ways([path('a', 'b'), path('b', 'c', 0.05), path('c', 'd', -0.5), path('a', 'd', null)])).toEqual([[{ block: 'a', from: 67 }, { block: 'b', to: 50 }]]);
	});
});

describe('a model that is drawn', () => {
	it('puts causes before what they cause, whatever the order in which they come', () => {
		expect(ordered([...KEYS].reverse(), PATHS)).toEqual(KEYS);
		expect(ordered(['a', 'b'], [{ from: 'a', to: 'b' }, { from: 'b', to: 'a' }])).toEqual(['a', 'b']);
	});
	it('has room for the words of each path', () => {
		const drawn = arcs(KEYS, [...PATHS, path('image', 'value', null)], { step: 160, side: 52, first: 46, more: 42 });
		expect(drawn).toHaveLength(12);
		const words = drawn.map((it) => ({ x: (it.start + it.end) / 2, y: it.out }));
		const close = words.flatMap((a, i) => words.slice(i + 1).filter((b) => Math.abs(a.x - b.x) < 76 && Math.abs(a.y - b.y) < 28));
		expect(close).toEqual([]);
		// Each begins and ends on its own block.
		for (const it of drawn) expect([Math.floor(it.start / 160), Math.floor(it.end / 160)]).toEqual([KEYS.indexOf(it.path.from), KEYS.indexOf(it.path.to)]);
	});
	it('has room for them on a phone, where the row is a column', () => {
		const words = arcs(KEYS, PATHS, { step: 92, side: 26, first: 34, more: 38 }).map((it) => ({ x: it.out, y: (it.start + it.end) / 2 }));
		expect(words.flatMap((a, i) => words.slice(i + 1).filter((b) => Math.abs(a.x - b.x) < 30 && Math.abs(a.y - b.y) < 16))).toEqual([]);
	});
	it('says which paths may be none', () => {
		expect([{ estimate: 0.1, low: -0.01, high: 0.2 }, { estimate: 0.1, low: 0.01, high: 0.2 }, { estimate: -0.3, low: -0.4, high: -0.1 }, { estimate: 0.4 }].map(isUnsure)).toEqual([true, false, false, true]);
	});
});

describe('what a model is made of', () => {
	it('takes scales, and yes or no as a number', () => {
		const choice = (key: string, value?: number) => ({ key, text: { en: key }, value });
		const of = (answer: Parameters<typeof isOfModels>[0]['answer']) => isOfModels({ key: 'q', text: {}, answer });
		expect([of({ kind: 'scale', from: 1, to: 10 }), of({ kind: 'nps' }), of({ kind: 'single', choices: [choice('yes', 1), choice('no', 0)] })]).toEqual([true, true, true]);
		expect([of({ kind: 'single', choices: [choice('yes'), choice('no')] }), of({ kind: 'single', choices: [choice('yes', 1), choice('no', 0)], other: true }), of({ kind: 'single', choices: [choice('a', 0), choice('b', 1), choice('c', 2)] }), of({ kind: 'text' })]).toEqual([false, false, false, false]);
	});
	it('says which question costs most of the answers', () => {
		const model = (answered: number[]) => ({ answers: 17, incomplete: 86, blocks: [{ questions: answered.map((it, i) => ({ question: `q${i}`, answered: it })) }] }) as unknown as Model;
		expect(costliest(model([103, 17, 40]))?.question).toBe('q1');
		expect(costliest(model([103, 52, 90]))).toBeUndefined();
	});
});

describe('drawing a model', () => {
	const begun = { blocks: [{ key: 'a', questions: ['q1', 'q2'] }, { key: 'b', questions: ['q3'] }], paths: [{ from: 'a', to: 'b' }] };
	it('moves a question from block to block; an empty one goes with its paths', () => {
		expect(inBlock(begun, 'q3', 'a')).toEqual({ blocks: [{ key: 'a', questions: ['q1', 'q2', 'q3'] }], paths: [] });
		expect(inBlock(begun, 'q2', ' c ').blocks).toEqual([{ key: 'a', questions: ['q1'] }, { key: 'b', questions: ['q3'] }, { key: 'c', questions: ['q2'] }]);
		expect(inBlock(begun, 'q2', '').blocks[0].questions).toEqual(['q1']);
	});
	it('has one path between two blocks, and one for each block before it is whole', () => {
		expect(withPath(begun, 'b', 'a', true).paths).toEqual([{ from: 'b', to: 'a' }]);
		expect([isWhole(begun), isWhole(withPath(begun, 'a', 'b', false)), isWhole(inBlock(begun, 'q2', 'c'))]).toEqual([true, false, false]);
	});
	it('is read from an address as far as it can be', () => {
		expect(readDrawn(JSON.stringify({ ...begun, paths: [...begun.paths, { from: 'a', to: 'gone' }] }), ['q1', 'q3'])).toEqual({ blocks: [{ key: 'a', questions: ['q1'] }, { key: 'b', questions: ['q3'] }], paths: [{ from: 'a', to: 'b' }] });
		expect([readDrawn('{', []), readDrawn(null, []), readDrawn(JSON.stringify(begun), [])]).toEqual([null, null, null]);
	});
});
