// What is wrong with a survey, in the reader's language: the server says it in English, with the code of what it is.
import { t, words } from '$lib/i18n/index.svelte';
import type { SurveyFinding } from '$lib/surveys';

export function sayFinding(finding: SurveyFinding): string {
	const key = `finding.${finding.code}`;
	if (words.language === 'en' || !words.has(key)) return finding.text;
	return t(key);
}
