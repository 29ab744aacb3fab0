import { describe, expect, it } from 'vitest';
import { fromText, toText } from '../../src/lib/message-text';
import { at, blank, History, insert, languagesOf, languageOf, move, nearest, newBlock, offset, pathOf, placeOf, put, remove, summary, written, KINDS, type Block, type Template } from '../../src/lib/message-templates';
import { messages } from '../fixtures/messages.mjs';

const words = { heading: 'H', text: 'T', label: 'L' };
const template = (): Template => blank('email', 'News', 'en', { ...words, subject: 'S', footer: 'F' });
const LIST = ['content', 'email', 'en', 'blocks'];

describe('a template', () => {
	it('is changed at a path and leaves what it was', () => {
		const one = template();
		const other = put(one, [...LIST, 0, 'heading', 'text'], 'Other');
		expect(at(other, [...LIST, 0, 'heading', 'text'])).toBe('Other');
		expect(at(one, [...LIST, 0, 'heading', 'text'])).toBe('H');
		expect(at(other, [...LIST, 1])).toBe(at(one, [...LIST, 1]));
		expect(put({ a: 1, b: 2 }, ['a'], undefined)).toEqual({ b: 2 });
		expect(at(one, ['content', 'push', 'en', 'body'])).toBeUndefined();
	});
	it('gets, loses and moves blocks, also those within others', () => {
		const kinds = (root: Template, list = LIST) => (at(root, list) as Block[]).map((block) => Object.keys(block)[0]).join();
		const first = template();
		const added = insert(first, LIST, 1, newBlock('group', words));
		expect(kinds(added)).toBe('heading,group,text,divider,text');
		expect(kinds(move(added, LIST, 1, 1))).toBe('heading,text,group,divider,text');
		expect(move(added, LIST, 0, -1)).toBe(added);
		expect(kinds(remove(added, LIST, 0))).toBe('group,text,divider,text');
		const deep = [...LIST, 1, 'group', 'blocks'] as string[];
		expect(kinds(insert(added, deep, 0, newBlock('button', words)), deep)).toBe('button,text');
		for (const kind of KINDS) expect(typeof summary(newBlock(kind, words))).toBe('string');
	});
	it('shows its default language first', () => {
		const both = put(put(template(), ['content', 'email', 'ar'], { subject: 'x' }), ['content', 'email', 'zh'], { subject: 'x' });
		expect(languagesOf(both)).toEqual(['en', 'ar', 'zh']);
	});
});

describe('a place', () => {
	it('is a path and back', () => {
		const place = 'content.email.zh-Hans.blocks[2].columns.columns[0][1].button.url';
		expect(placeOf(pathOf(place))).toBe(place);
		expect(pathOf(place)).toEqual(['content', 'email', 'zh-Hans', 'blocks', 2, 'columns', 'columns', 0, 1, 'button', 'url']);
		expect([languageOf(place), languageOf('name')]).toEqual(['zh-Hans', undefined]);
	});
	it('leads to the field that names most of it', () => {
		const fields = ['name', 'content.email.en.subject', 'content.email.en.blocks', 'content.email.en.blocks[1].text.text'];
		expect(nearest(fields, 'content.email.en.blocks[1].text.text')).toBe(fields[3]);
		expect(nearest(fields, 'content.email.en.blocks[12].image')).toBe(fields[2]);
		expect(nearest(fields, 'content.email.en')).toBe(fields[1]);
		expect(nearest(fields, 'content.email.de.subject')).toBeUndefined();
	});
	it('is found in a text by line and letter', () => {
		expect(offset('ab\ncd', 2, 2)).toBe(4);
		expect(offset('🎉x', 1, 2)).toBe(2);
		expect(offset('ab', 9, 9)).toBe(2);
	});
});

describe('the body as a text', () => {
	const round = (blocks: Block[]) => expect(fromText(toText(blocks))).toEqual({ blocks });
	it('reads back as it was, whatever is in it', () => {
		round(KINDS.map((kind) => newBlock(kind, words)));
		round([{ text: { text: '# no heading' } }, { text: { text: 'one' } }, { text: { text: 'two' } }, { text: { text: '+++' } }, { text: { text: ' \n' } }]);
		round([{ text: { text: 'ends in fence\n```' } }, { text: { text: '```block\nx\n```' } }, { heading: { text: 'two\nlines', level: 1 } }, { heading: { text: 'x' } }]);
		round([{ image: { url: 'https://a.example/i.png', alt: 'A', width: 40 } }, { button: { label: 'a](b', url: 'c)' } }]);
		for (const { template: ready } of messages(() => '').gallery.rows) for (const variant of Object.values<{ blocks: Block[] }>(ready.content.email)) round(variant.blocks);
	});
	it('is written as people write', () => {
		expect(toText([{ heading: { text: 'Hello', level: 1 } }, { text: { text: 'One\n\nTwo' } }, { button: { label: 'Go', url: 'https://a.example' } }, { divider: {} }, { text: { text: 'End' } }])).toBe('# Hello\n\nOne\n\nTwo\n\n[[Go]](https://a.example)\n\n---\n\nEnd');
		expect(toText([{ heading: { level: 2, text: 'As the server orders it' } }])).toBe('## As the server orders it');
		expect(fromText('## A\nwords\n---').blocks).toEqual([{ heading: { text: 'A', level: 2 } }, { text: { text: 'words' } }, { divider: {} }]);
	});
	it('says where a block cannot be read', () => {
		expect(fromText('a\n\n```block\n{nonsense\n```\n\nb')).toEqual({ blocks: [{ text: { text: 'a' } }, { text: { text: 'b' } }], wrong: 3 });
	});
});

describe('the past of a draft', () => {
	it('goes back and forth, and takes quick typing as one step', () => {
		const history = new History('a');
		history.change('ab', 'subject', 0);
		history.change('abc', 'subject', 100);
		history.change('abc!', 'body', 200);
		expect([history.undo(), history.undo(), history.canUndo]).toEqual(['abc', 'a', false]);
		expect([history.redo(), history.redo(), history.canRedo]).toEqual(['abc', 'abc!', false]);
		history.undo();
		history.change('other', 'body', 9000);
		expect([history.canRedo, history.undo(), history.undo()]).toEqual([false, 'abc', 'a']);
	});
});

it('a value that may be missing is written with a fallback', () => {
	expect([written({ path: 'profile.orders', always: true }), written({ path: 'profile.city', always: false })]).toEqual(['{{ profile.orders }}', '{{ profile.city|default("") }}']);
});
