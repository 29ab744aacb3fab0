// Weighs the script a first visit loads before any chart, gzipped, and fails past the budget.
// First load = what index.html names, plus everything those files import statically, plus the code of the home page and its layout.
import { gzipSync } from 'node:zlib';
import { readFileSync, readdirSync, existsSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const BUDGET_KB = 100;
const web = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(web, 'dist');
if (!existsSync(join(dist, 'index.html'))) {
	console.error('dist/index.html is not there: run "npm run build" first.');
	process.exit(1);
}

const manifest = JSON.parse(readFileSync(join(web, '.svelte-kit/output/client/.vite/manifest.json'), 'utf8'));
const html = readFileSync(join(dist, 'index.html'), 'utf8');
const named = [...html.matchAll(/["'(]\.?\/?(_app\/immutable\/[^"')]+\.js)["')]/g)].map((m) => m[1]);
const first = new Set(named);
const take = (key) => {
	const chunk = manifest[key];
	if (!chunk || first.has(chunk.file + '#')) return;
	first.add(chunk.file);
	first.add(chunk.file + '#');
	(chunk.imports ?? []).forEach(take);
};
for (const [key, chunk] of Object.entries(manifest)) {
	if (named.includes(chunk.file)) take(key);
	// Node 0 is the root layout, 1 the error page; the home page is found by its source.
	if (/nodes\/[01]\.js$/.test(key) || chunk.src?.endsWith('nodes/0.js')) take(key);
}
const home = readFileSync(join(web, '.svelte-kit/generated/client-optimized/app.js'), 'utf8').match(/"\/":\s*\[(\d+)/)?.[1];
for (const key of Object.keys(manifest)) if (key.endsWith(`nodes/${home}.js`)) take(key);

const kb = (bytes) => (bytes / 1024).toFixed(1).padStart(7) + ' kB';
const gz = (file) => gzipSync(readFileSync(join(dist, file)), { level: 9 }).length;
const files = [...first].filter((f) => f.endsWith('.js') && existsSync(join(dist, f)));
const total = files.reduce((sum, f) => sum + gz(f), 0);

const all = [];
const walk = (dir) => {
	for (const entry of readdirSync(dir, { withFileTypes: true })) {
		const path = join(dir, entry.name);
		if (entry.isDirectory()) walk(path);
		else if (entry.name.endsWith('.js')) all.push(relative(dist, path));
	}
};
walk(join(dist, '_app'));
const lazy = all.filter((f) => !files.includes(f)).map((f) => [f, gz(f)]).sort((a, b) => b[1] - a[1]);

console.log(`First load, script, gzipped: ${kb(total)} of ${BUDGET_KB} kB in ${files.length} files`);
console.log(`Loaded when needed:          ${kb(lazy.reduce((s, [, n]) => s + n, 0))} in ${lazy.length} files; the largest is ${kb(lazy[0]?.[1] ?? 0)}`);
if (files.length < 3) {
	console.error('The first load was not recognised; scripts/size.mjs no longer matches the build.');
	process.exit(1);
}
if (total > BUDGET_KB * 1024) {
	console.error(`The first load is over its budget of ${BUDGET_KB} kB.`);
	process.exit(1);
}
