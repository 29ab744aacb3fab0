// What is under way somewhere else is asked for again until it is done.

const AGAIN = 2_000;

/** Loads again a while after each answer that says something is under way. Called while a component is set up. */
export function whileBusy(isBusy: () => boolean | undefined, load: () => unknown): void {
	$effect(() => {
		if (!isBusy()) return;
		const later = setTimeout(load, AGAIN);
		return () => clearTimeout(later);
	});
}
