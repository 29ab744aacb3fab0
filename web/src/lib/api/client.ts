// The one door to the server. It adds the session's token and the purpose of the read, and turns every failure into an
// ApiError whose words can be shown as they are. A session that has ended goes to the sign-in page, which is not part of this app.
import { browser } from '$app/environment';

export interface ProblemReason {
	field?: string | null;
	code: string;
	params: Record<string, string>;
}

export class ApiError extends Error {
	constructor(
		readonly status: number,
		readonly code: string,
		readonly title: string,
		readonly detail: string,
		readonly whatToDo: string,
		/** What is wrong as a code with what it is filled with; `detail` says the same in English. */
		readonly reason?: ProblemReason
	) {
		super(detail || title);
		this.name = 'ApiError';
	}
}

export type Purpose = 'analytics' | 'service';
export type Query = Record<string, string | number | boolean | null | undefined>;

interface Options {
	query?: Query;
	body?: unknown;
	file?: Blob;
	headers?: Record<string, string>;
	purpose?: Purpose;
	signal?: AbortSignal;
}

let csrfToken = '';
let language = 'en';

export function useCsrfToken(token: string): void {
	csrfToken = token;
}

/** The server words its sentences in this language where it can. */
export function useLanguage(tag: string): void {
	language = tag;
}

export function apiPath(path: string, query: Query = {}): string {
	const params = new URLSearchParams();
	for (const [key, value] of Object.entries(query)) {
		if (value !== null && value !== undefined && value !== '') params.set(key, String(value));
	}
	const text = params.toString();
	return `/api/v1${path}${text ? `?${text}` : ''}`;
}

async function failure(response: Response): Promise<ApiError> {
	let problem: Record<string, unknown> = {};
	try {
		problem = await response.json();
	} catch {
		// A proxy's HTML page, say: the status is all we know.
	}
	const said = language === 'zh' ? (await import('$lib/problem-words')).inChinese : (text: string) => text;
	const text = (key: string) => (typeof problem[key] === 'string' ? said(problem[key] as string) : '');
	return new ApiError(response.status, (problem.code as string) || `http_${response.status}`, text('title') || response.statusText, text('detail'), text('what_to_do'), problem.reason as ProblemReason | undefined);
}

function goToSignIn(): void {
	const here = location.pathname + location.search;
	location.assign(`/sign-in?next=${encodeURIComponent(here)}`);
}

async function send<T>(method: string, path: string, options: Options = {}): Promise<T> {
	const headers: Record<string, string> = { Accept: 'application/json', 'Accept-Language': language, ...options.headers };
	if (options.purpose) headers['X-Purpose'] = options.purpose;
	if (method !== 'GET') headers['X-CSRF-Token'] = csrfToken;
	let body: BodyInit | undefined;
	if (options.file) {
		body = options.file;
		headers['Content-Type'] = 'application/octet-stream';
	} else if (options.body !== undefined) {
		body = JSON.stringify(options.body);
		headers['Content-Type'] = 'application/json';
	}
	let response: Response;
	try {
		response = await fetch(apiPath(path, options.query), { method, headers, body, signal: options.signal, credentials: 'same-origin' });
	} catch (cause) {
		if (cause instanceof DOMException && cause.name === 'AbortError') throw cause;
		throw new ApiError(0, 'unreachable', '', '', '');
	}
	if (response.status === 401 && browser) {
		goToSignIn();
		// The page is being left: a promise that never settles keeps error states from flashing.
		return new Promise<T>(() => {});
	}
	if (!response.ok) throw await failure(response);
	// What was only taken note of (202, 204) is answered without a word.
	const text = await response.text();
	return (text ? JSON.parse(text) : undefined) as T;
}

export const api = {
	get: <T>(path: string, options?: Options) => send<T>('GET', path, options),
	post: <T>(path: string, body?: unknown, options?: Options) => send<T>('POST', path, { ...options, body }),
	put: <T>(path: string, body: unknown, options?: Options) => send<T>('PUT', path, { ...options, body }),
	patch: <T>(path: string, body: unknown, options?: Options) => send<T>('PATCH', path, { ...options, body }),
	remove: <T>(path: string, options?: Options) => send<T>('DELETE', path, options),
	upload: <T>(path: string, file: File, query?: Query) =>
		send<T>('POST', path, { query, file, headers: { 'X-File-Name': encodeURIComponent(file.name) } })
};

export const isAbort = (error: unknown): boolean => error instanceof DOMException && error.name === 'AbortError';
