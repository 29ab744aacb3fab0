// A piece of the page as an image: its elements are copied with their computed styles into an SVG, which the browser paints on a
// canvas. Only what is on screen is used; nothing leaves the browser.

const PROPERTIES = [
	'align-items', 'background-color', 'background-image', 'border', 'border-radius', 'border-collapse', 'box-sizing', 'color', 'column-gap', 'display', 'fill', 'fill-opacity',
	'flex', 'flex-direction', 'flex-wrap', 'font-family', 'font-size', 'font-weight', 'gap', 'grid-template-columns', 'height', 'justify-content', 'letter-spacing', 'line-height', 'margin',
	'min-width', 'opacity', 'overflow', 'padding', 'position', 'row-gap', 'stroke', 'stroke-dasharray', 'stroke-width', 'text-align', 'text-anchor', 'text-overflow', 'vertical-align', 'white-space', 'width'
];

function withStyles(source: Element): Element {
	const copy = source.cloneNode(false) as Element;
	const style = getComputedStyle(source);
	const inline = PROPERTIES.map((name) => `${name}:${style.getPropertyValue(name)}`).join(';');
	copy.setAttribute('style', `${inline};transform:${source instanceof HTMLElement ? 'none' : ''}`);
	copy.removeAttribute('class');
	for (const child of source.childNodes) {
		if (child instanceof Element) {
			const hidden = getComputedStyle(child).display === 'none' || child.classList.contains('hidden');
			if (!hidden) copy.append(withStyles(child));
		} else copy.append(child.cloneNode(true));
	}
	return copy;
}

/** Paints an element at twice its size, on the page's own paper. */
export async function pictureOf(element: HTMLElement, title: string): Promise<Blob> {
	const { width, height } = element.getBoundingClientRect();
	const pad = 24;
	const head = 36;
	const root = getComputedStyle(document.documentElement);
	const body = withStyles(element);
	body.setAttribute('xmlns', 'http://www.w3.org/1999/xhtml');
	const xml = new XMLSerializer().serializeToString(body);
	const [w, h] = [Math.ceil(width + pad * 2), Math.ceil(height + pad * 2 + head)];
	const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${w}" height="${h}"><foreignObject x="${pad}" y="${pad + head}" width="${Math.ceil(width)}" height="${Math.ceil(height)}">${xml}</foreignObject></svg>`;
	const image = new Image();
	image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
	await image.decode();
	const canvas = document.createElement('canvas');
	[canvas.width, canvas.height] = [w * 2, h * 2];
	const context = canvas.getContext('2d')!;
	context.scale(2, 2);
	context.fillStyle = root.getPropertyValue('--paper');
	context.fillRect(0, 0, w, h);
	context.fillStyle = root.getPropertyValue('--ink');
	context.font = `600 16px ${root.getPropertyValue('--font')}`;
	context.fillText(title, pad, pad + 16, w - pad * 2);
	context.drawImage(image, 0, 0);
	return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error('no picture'))), 'image/png'));
}

/** Puts the picture on the clipboard; where the browser does not allow that, saves it as a file. Says which of the two happened. */
export async function copyPicture(element: HTMLElement, title: string): Promise<'copied' | 'saved'> {
	const blob = pictureOf(element, title);
	try {
		// The promise goes in as it is: some browsers only allow writing while they still see the click.
		await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })]);
		return 'copied';
	} catch {
		save(await blob, `${title}.png`);
		return 'saved';
	}
}

export function save(blob: Blob, name: string): void {
	const url = URL.createObjectURL(blob);
	const link = document.createElement('a');
	link.href = url;
	link.download = name.replace(/[\\/:*?"<>|]+/g, ' ');
	link.click();
	setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
