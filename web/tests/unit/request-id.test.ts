// Under which id something is asked for again that must not be done twice.
import { expect, test } from 'vitest';
import { nextRequestId } from '../../src/lib/request-id';

const failed = (status: number) => Object.assign(new Error('failed'), { status });

test('what the server refused is asked for anew under another id', () => {
	for (const status of [400, 403, 409, 422, 429]) expect(nextRequestId('one', failed(status))).not.toBe('one');
});

test('what may have been done is asked for again under the same id', () => {
	for (const status of [0, 500, 502, 504]) expect(nextRequestId('one', failed(status))).toBe('one');
	expect(nextRequestId('one', new TypeError('an answer that cannot be read'))).toBe('one');
	expect(nextRequestId('one', 'unknown')).toBe('one');
});
