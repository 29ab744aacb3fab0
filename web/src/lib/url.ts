// The state of a view lives in its address. These read and change it; only `patchUrl` touches the browser.
import { goto } from '$app/navigation';

export type Patch = Record<string, string | null | undefined>;

/** The address with some parameters set or, when null or empty, removed. The order of the others stays. */
export function withParams(url: URL, patch: Patch): string {
	const params = new URLSearchParams(url.search);
	for (const [key, value] of Object.entries(patch)) {
		if (value === null || value === undefined || value === '') params.delete(key);
		else params.set(key, value);
	}
	const text = params.toString();
	return url.pathname + (text ? `?${text}` : '');
}

/** One of a list, or the first of it: what an address says is never trusted. */
export function oneOf<T extends string>(value: string | null, allowed: readonly T[], otherwise: T): T {
	return allowed.includes(value as T) ? (value as T) : otherwise;
}

export function readJson<T>(value: string | null): T | null {
	if (!value) return null;
	try {
		return JSON.parse(value) as T;
	} catch {
		return null;
	}
}

/** Changes the address in place. Typing replaces the entry, so that Back leaves the page; a chosen filter adds one. */
export function patchUrl(url: URL, patch: Patch, replace = false): Promise<void> {
	const next = withParams(url, patch);
	if (next === url.pathname + url.search) return Promise.resolve();
	return goto(next, { replaceState: replace, keepFocus: true, noScroll: true });
}
