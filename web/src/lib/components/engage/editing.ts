// What every field of the editor gets from the page that holds the draft.
import type { IconName } from '$lib/icons';
import type { BlockKind, Path, Template } from '$lib/message-templates';

export interface Editing {
	template: Template;
	/** Whether anything may be changed. */
	mayEdit: boolean;
	/** Puts a value at a path; `place` joins quick changes of one field into one step of the past. */
	set: (path: Path, value: unknown) => void;
	/** Another whole template: a block came, went or moved. */
	become: (template: Template) => void;
	/** The place of the block that is open, if one is. */
	open: string;
	show: (place: string) => void;
	/** Errors and warnings at a place and below it. */
	marks: (place: string) => { errors: number; warnings: number };
}

export const BLOCK_ICONS: Record<BlockKind, IconName> = {
	heading: 'heading',
	text: 'file-text',
	button: 'mouse-pointer-click',
	image: 'image',
	products: 'shopping-bag',
	columns: 'columns-3',
	group: 'filter',
	divider: 'minus',
	spacer: 'move-vertical'
};
