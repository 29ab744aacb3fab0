// What the browser walks: a running server (BASE_URL, SIGN_IN_LINK), a sample shop of the binary under test (RAPPORT_BINARY), or the
// mock with the fixtures.
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serve } from '../mock/server.mjs';

const CUSTOMERS = '600';
const READY_WITHIN_MS = 180_000;

function freePort() {
	return new Promise((done) => {
		const probe = createServer().listen(0, '127.0.0.1', () => {
			const { port } = probe.address();
			probe.close(() => done(port));
		});
	});
}

/** Makes a sample shop in a temporary folder and waits for the link it prints. */
async function sampleShop(binary) {
	const data = mkdtempSync(join(tmpdir(), 'rapport-browser-'));
	const listen = `127.0.0.1:${await freePort()}`;
	const child = spawn(binary, ['demo', '--data', data, '--customers', CUSTOMERS, '--no-open', '--listen', listen], { stdio: ['ignore', 'pipe', 'pipe'] });
	let said = '';
	const link = await new Promise((done, fail) => {
		const late = setTimeout(() => fail(new Error(`no sign-in link within ${READY_WITHIN_MS / 1000} s:\n${said}`)), READY_WITHIN_MS);
		const hear = (chunk) => {
			said += chunk;
			const found = /https?:\/\/\S+\/sign-in\/link\?\S+/.exec(said);
			if (found) {
				clearTimeout(late);
				done(found[0]);
			}
		};
		child.stdout.on('data', hear);
		child.stderr.on('data', hear);
		child.on('exit', (code) => fail(new Error(`the server ended with ${code}:\n${said}`)));
	});
	const ended = new Promise((done) => child.on('exit', done));
	const close = async () => {
		child.kill('SIGTERM');
		await ended;
		rmSync(data, { recursive: true, force: true });
	};
	return { url: `http://${listen}`, link, mock: false, close };
}

export async function openShop() {
	const { BASE_URL, SIGN_IN_LINK, RAPPORT_BINARY } = process.env;
	if (BASE_URL) return { url: BASE_URL.replace(/\/$/, ''), link: SIGN_IN_LINK, mock: false, close: async () => {} };
	if (RAPPORT_BINARY) return sampleShop(RAPPORT_BINARY);
	const { url, close } = await serve();
	return { url, link: undefined, mock: true, close: async () => close() };
}
