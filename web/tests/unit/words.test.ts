import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { en } from '../../src/lib/i18n/en';
import { outreach as enOutreach } from '../../src/lib/i18n/en/outreach';
import { zh } from '../../src/lib/i18n/zh';
import { outreach as zhOutreach } from '../../src/lib/i18n/zh/outreach';
import { data as enData } from '../../src/lib/i18n/en/data';
import { data as zhData } from '../../src/lib/i18n/zh/data';
import { templates as enTemplates } from '../../src/lib/i18n/en/templates';
import { templates as zhTemplates } from '../../src/lib/i18n/zh/templates';
import { feedback as enFeedback } from '../../src/lib/i18n/en/feedback';
import { feedback as zhFeedback } from '../../src/lib/i18n/zh/feedback';
import { models as enModels } from '../../src/lib/i18n/en/models';
import { models as zhModels } from '../../src/lib/i18n/zh/models';
import { portraits as enPortraits } from '../../src/lib/i18n/en/portraits';
import { portraits as zhPortraits } from '../../src/lib/i18n/zh/portraits';
import { fill } from '../../src/lib/i18n/fill';
import { FIELDS, ROLES } from '../../src/lib/api/imports';
import { OPERATORS } from '../../src/lib/conditions';

const english: Record<string, string> = { ...en, ...enOutreach, ...enFeedback, ...enData, ...enTemplates, ...enModels, ...enPortraits };
const chinese: Record<string, string> = { ...zh, ...zhOutreach, ...zhFeedback, ...zhData, ...zhTemplates, ...zhModels, ...zhPortraits };
const holes = (text: string) => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

function sources(folder: string): string[] {
	return readdirSync(folder).flatMap((name) => {
		const path = join(folder, name);
		if (statSync(path).isDirectory()) return name === 'i18n' ? [] : sources(path);
		return /\.(svelte|ts)$/.test(name) ? [readFileSync(path, 'utf8')] : [];
	});
}

describe('the languages', () => {
	it('have the same keys', () => {
		expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
	});
	it('have the same placeholders', () => {
		const different = Object.keys(english).filter((key) => holes(english[key]).join() !== holes(chinese[key]).join());
		expect(different).toEqual([]);
	});
	it('leave nothing empty', () => {
		for (const words of [english, chinese]) expect(Object.keys(words).filter((key) => !words[key].trim())).toEqual([]);
	});
	it('have a word for everything the server can name', () => {
		const wanted = [...FIELDS.map((field) => `field.${field}`), ...ROLES.map((role) => `role_file.${role}`), ...OPERATORS.map((op) => `op.${op}`)];
		expect(wanted.filter((key) => !(key in english))).toEqual([]);
	});
	it('hold no word that nobody says', () => {
		const text = sources(join(import.meta.dirname, '../../src')).join('\n');
		// Keys that are put together from a value: their beginning must be in the code.
		const all = (pattern: RegExp) => new Set([...text.matchAll(pattern)].map((found) => found[1]));
		const [whole, begun, terms] = [all(/'(?=([\w.-]+)')/g), all(/`(?=([\w.-]+)\$\{)/g), all(/term\('([\w.-]+)'/g)];
		const said = (key: string) => whole.has(key) || [...key.matchAll(/[._]/g)].some((dot) => begun.has(key.slice(0, dot.index + 1)) || terms.has(key.slice(0, dot.index)));
		expect(Object.keys(english).filter((key) => !said(key))).toEqual([]);
	});
});

describe('a message', () => {
	it('chooses the form by the number and writes it the reader\'s way', () => {
		expect(fill('{n} person || {n} people', { n: 1 }, 'en')).toBe('1 person');
		expect(fill('{n} person || {n} people', { n: 24118 }, 'en')).toBe('24,118 people');
		expect(fill('{n} 人', { n: 1 }, 'zh')).toBe('1 人');
	});
	it('does not fill what a value brings along', () => {
		expect(fill('Hello {name}', { name: '{n}' }, 'en')).toBe('Hello {n}');
		expect(fill('Hello {name}', {}, 'en')).toBe('Hello {name}');
	});
});
