// A rendered e-mail, made ready for a frame: nothing in it runs, nothing leaves it, and its dark style is on or off as asked.
// The frame has an empty `sandbox` besides, so it has an origin of its own and no script; this is the second fence.

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; form-action 'none'; base-uri 'none'";
/** Stands where a picture has no address. */
const NO_PICTURE = `data:image/svg+xml,${encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 120 90"><rect width="120" height="90" fill="#dfe3e0"/><path d="M30 66l20-24 14 16 10-11 16 19z" fill="#9aa59f"/><circle cx="80" cy="30" r="7" fill="#9aa59f"/></svg>')}`;

export function framed(html: string, dark: boolean): string {
	const page = new DOMParser().parseFromString(html, 'text/html');
	for (const bad of page.querySelectorAll('script, iframe, object, embed, base, form, meta[http-equiv="refresh" i]')) bad.remove();
	const policy = page.createElement('meta');
	policy.httpEquiv = 'Content-Security-Policy';
	policy.content = POLICY;
	const referrer = page.createElement('meta');
	referrer.name = 'referrer';
	referrer.content = 'no-referrer';
	page.head.prepend(policy, referrer);
	for (const style of page.querySelectorAll('style')) style.textContent = (style.textContent ?? '').replace(/\(\s*prefers-color-scheme\s*:\s*dark\s*\)/g, dark ? 'all' : 'not all');
	for (const image of page.querySelectorAll('img')) if (!/^https:\/\//i.test(image.getAttribute('src') ?? '')) image.src = NO_PICTURE;
	// A link in a preview leads nowhere: what it leads to is listed beside it.
	for (const link of page.querySelectorAll('a[href]')) link.removeAttribute('href');
	return `<!doctype html>${page.documentElement.outerHTML}`;
}
