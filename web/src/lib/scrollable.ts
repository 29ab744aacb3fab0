// What scrolls by itself must be reachable without a mouse: it takes the focus while, and only while, it is larger than its place.
export function scrollable(element: HTMLElement): () => void {
	const check = () => {
		if (element.scrollWidth > element.clientWidth + 1 || element.scrollHeight > element.clientHeight + 1) element.tabIndex = 0;
		else element.removeAttribute('tabindex');
	};
	const observer = new ResizeObserver(check);
	observer.observe(element);
	if (element.firstElementChild) observer.observe(element.firstElementChild);
	return () => observer.disconnect();
}
