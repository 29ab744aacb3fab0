import { expect, it } from 'vitest';
import { isReady, withText } from '../../src/lib/ideas';

it('asks for a reason where an idea is declined, and nowhere else', () => {
	expect(isReady('declined', ' \n')).toBe(false);
	expect(isReady('declined', 'Too dear')).toBe(true);
	expect(isReady('planned', '')).toBe(true);
});

it('keeps texts of other languages, and drops one that was emptied', () => {
	expect(withText({ en: 'a', pt: 'b' }, 'en', ' c ')).toEqual({ en: 'c', pt: 'b' });
	expect(withText({ en: 'a', pt: 'b' }, 'en', '  ')).toEqual({ pt: 'b' });
});
