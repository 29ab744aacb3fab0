import { describe, expect, it } from 'vitest';
import { byChance, intentName, keyOf, LONGEST, MOST_EXAMPLES, paste } from '../../src/lib/intents';

describe('the key of an intent', () => {
	it('has what the server takes of a name, and nothing else', () => {
		expect(["Where's my order?", '  Café menu ', '取消订单', '__', 'x'.repeat(50)].map(keyOf)).toEqual(['where_s_my_order', 'cafe_menu', '', '', 'x'.repeat(40)]);
		// Cut in the middle of a word's end, no underscore is left over.
		expect(keyOf(`${'a'.repeat(39)} bc`)).toBe('a'.repeat(39));
	});
	it('is read as words', () => {
		expect(['where_is_my_order', '_', 'x'].map(intentName)).toEqual(['Where is my order', '_', 'X']);
	});
});

describe('pasted examples', () => {
	it('are one a line, none twice in other letters or spaces, the newest first', () => {
		expect(paste(['Old one'], 'New\r\n\n  old  ONE \nnew\rThird')).toEqual({ examples: ['New', 'Third', 'Old one'], added: 2, known: 2, too_long: 0, over: 0 });
	});
	it('are as long as the server takes, counted in characters', () => {
		expect(paste([], `${'😀'.repeat(LONGEST)}\n${'a'.repeat(LONGEST + 1)}`)).toMatchObject({ added: 1, too_long: 1 });
	});
	it('are no more than the server takes', () => {
		const full = Array.from({ length: MOST_EXAMPLES - 1 }, (_, at) => `example ${at}`);
		expect(paste(full, 'one more\ntoo many\nexample 3')).toMatchObject({ added: 1, over: 1, known: 1 });
	});
});

describe('what a measured share is held against', () => {
	const row = (key: string, examples: number) => ({ key, examples, updated_at: '' });
	it('is the share of the intent with the most examples', () => {
		expect(byChance([row('a', 30), row('b', 10)])).toBe(0.75);
		expect([byChance([]), byChance([row('a', 3)])]).toEqual([null, null]);
	});
});
