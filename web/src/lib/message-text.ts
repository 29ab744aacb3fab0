// The body of an e-mail as one text, for those who would rather write: headings, buttons, pictures and lines in the form that Markdown made
// known, everything else as the block's own JSON between fences. What is written and read again is the same body.
import { kindOf, type Block } from './message-templates';

const FENCE = '```';
/** Between two texts that would else run together. */
const CUT = '+++';

/** Whether they say the same, whatever the order of their members. */
function same(one: unknown, other: unknown): boolean {
	if (one === null || other === null || typeof one !== 'object' || typeof other !== 'object') return one === other;
	const [mine, theirs] = [one as Record<string, unknown>, other as Record<string, unknown>];
	const keys = Object.keys(mine);
	return Array.isArray(one) === Array.isArray(other) && keys.length === Object.keys(theirs).length && keys.every((key) => key in theirs && same(mine[key], theirs[key]));
}

function simple(block: Block): string | null {
	if ('heading' in block) return `${'#'.repeat(block.heading.level ?? 1)} ${block.heading.text}`;
	if ('text' in block) return block.text.text;
	if ('button' in block) return `[[${block.button.label}]](${block.button.url})`;
	if ('image' in block) return `![${block.image.alt ?? ''}](${block.image.url})`;
	if ('divider' in block) return '---';
	return null;
}

/** The body as a text. */
export function toText(blocks: Block[]): string {
	const parts: string[] = [];
	blocks.forEach((block, i) => {
		const text = simple(block);
		// What would be read as something else, or not at all, is written out.
		const plain = text !== null && same(fromText(text).blocks, [block]);
		if (plain && i > 0 && kindOf(block) === 'text' && !parts.at(-1)!.startsWith(FENCE) && kindOf(blocks[i - 1]) === 'text') parts.push(CUT);
		parts.push(plain ? text : `${FENCE}block\n${JSON.stringify(block, null, 2)}\n${FENCE}`);
	});
	return parts.join('\n\n');
}

export interface Read {
	blocks: Block[];
	/** The line, from 1, of a block whose JSON cannot be read. */
	wrong?: number;
}

function oneLine(line: string): Block | null {
	const heading = /^(#{1,3}) (.+)$/.exec(line);
	if (heading) return { heading: { text: heading[2], level: heading[1].length } };
	const button = /^\[\[(.*)\]\]\((.*)\)$/.exec(line);
	if (button) return { button: { label: button[1], url: button[2] } };
	const image = /^!\[(.*)\]\((.*)\)$/.exec(line);
	if (image) return { image: { url: image[2], alt: image[1] } };
	return line === '---' ? { divider: {} } : null;
}

/** A text as the body. */
export function fromText(text: string): Read {
	const blocks: Block[] = [];
	let words: string[] = [];
	let wrong: number | undefined;
	const end = () => {
		const told = words.join('\n').replace(/^\n+|\n+$/g, '');
		if (told.trim()) blocks.push({ text: { text: told } });
		words = [];
	};
	const lines = text.replace(/\r\n?/g, '\n').split('\n');
	for (let i = 0; i < lines.length; i++) {
		const line = lines[i];
		if (line.trim() === `${FENCE}block`) {
			end();
			const first = i + 1;
			while (++i < lines.length && lines[i].trim() !== FENCE);
			try {
				const block = JSON.parse(lines.slice(first, i).join('\n')) as Block;
				if (typeof block !== 'object' || block === null || Array.isArray(block)) throw new Error();
				blocks.push(block);
			} catch {
				wrong ??= first;
			}
			continue;
		}
		const block = oneLine(line.trimEnd());
		if (!block && line.trim() !== CUT) words.push(line);
		else {
			end();
			if (block) blocks.push(block);
		}
	}
	end();
	return wrong === undefined ? { blocks } : { blocks, wrong };
}
