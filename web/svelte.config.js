// The console is a static application: every address falls back to index.html and the browser draws the page.
import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
	preprocess: vitePreprocess(),
	compilerOptions: { runes: true },
	kit: {
		// The binary embeds the .br and .gz files that this writes beside each file, and sends them as they are.
		adapter: adapter({ pages: 'dist', assets: 'dist', fallback: 'index.html', strict: true, precompress: true }),
		// Pictures from other shops, too: a preview of an e-mail shows them, and a frame has no wider policy than its page.
		// Scripts only from our own origin. Styles may be inline, because the chart library sets style attributes.
		csp: {
			mode: 'hash',
			directives: {
				'default-src': ['self'],
				'script-src': ['self'],
				'style-src': ['self', 'unsafe-inline'],
				'img-src': ['self', 'data:', 'blob:', 'https:'],
				'connect-src': ['self'],
				'object-src': ['none'],
				'base-uri': ['self'],
				'form-action': ['self']
			}
		},
		version: { pollInterval: 0 }
	}
};
