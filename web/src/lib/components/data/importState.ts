// The tone of an import's state; the word beside it says the state.
import type { ImportState } from '$lib/api/imports';

export const importTone: Record<ImportState, string> = { profiled: 'warn', running: 'on', done: 'good', failed: 'bad', cancelled: '' };
