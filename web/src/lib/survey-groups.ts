// What groups of answers are called.
import { f, t, term } from '$lib/i18n/index.svelte';
import { catalog } from '$lib/state/catalog.svelte';

export function groupName(by: string, key: string | null | undefined): string {
	if (key === null || key === undefined || key === '') return t('group.unknown');
	if (by === 'segment') return catalog.segmentName(key);
	if (by === 'language') return f.language(key);
	if (by === 'wave') return t('survey.wave', { n: key });
	if (by === 'version') return t('survey.version', { n: key });
	if (by === 'source' || by === 'channel') return term(`group.${by}`, key);
	return key;
}
