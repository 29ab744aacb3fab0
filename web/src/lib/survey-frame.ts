// A page of a survey, made ready for a frame: nothing in it runs, nothing leaves it, nothing is sent, and its dark style is on or off as asked.
// The frame has an empty `sandbox` besides, so it has an origin of its own and no script; this is the second fence.

const POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'";

export function surveyFrame(html: string, style: string, dark: boolean): string {
	const page = new DOMParser().parseFromString(html, 'text/html');
	for (const bad of page.querySelectorAll('script, iframe, object, embed, base, link, style, meta[http-equiv]')) bad.remove();
	// The frame lets no form be sent; where it would go is nothing to know either.
	for (const form of page.querySelectorAll('form')) form.removeAttribute('action');
	for (const link of page.querySelectorAll('a[href]')) link.removeAttribute('href');
	const policy = page.createElement('meta');
	policy.httpEquiv = 'Content-Security-Policy';
	policy.content = POLICY;
	const own = page.createElement('style');
	// The end of a style sheet must not be the end of the element.
	own.textContent = style.replace(/<\//g, '<\\/').replace(/\(\s*prefers-color-scheme\s*:\s*dark\s*\)/g, dark ? ' all' : ' not all');
	page.head.prepend(policy, own);
	page.querySelector('meta[name="color-scheme"]')?.setAttribute('content', dark ? 'dark' : 'light');
	return `<!doctype html>${page.documentElement.outerHTML}`;
}
