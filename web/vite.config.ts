import { sveltekit } from '@sveltejs/kit/vite';
import { defineConfig } from 'vitest/config';

// In development the API comes from a running server (or the mock): set RAPPORT_URL to another address.
const api = process.env.RAPPORT_URL ?? 'http://127.0.0.1:8480';

export default defineConfig({
	plugins: [sveltekit()],
	server: { proxy: { '/api': api, '/sign-in': api, '/sign-out': api } },
	build: { target: 'es2022', chunkSizeWarningLimit: 700 },
	test: { include: ['tests/unit/**/*.test.ts'], environment: 'node', reporters: ['default', './tests/plain-reporter.ts'] }
});
