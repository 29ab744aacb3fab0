// The survey that the pages below its address are about: loaded once for all of them.
import { createContext } from 'svelte';
import { api } from '$lib/api/client';
import type { SurveyDetail } from '$lib/surveys';
import { Resource } from './resource.svelte';

export class SurveyOnPage {
	readonly shown = new Resource<SurveyDetail>();
	#key = '';

	load(key: string): Promise<void> {
		this.#key = key;
		return this.shown.load((signal) => api.get<SurveyDetail>(this.path, { signal }));
	}
	get path(): string {
		return `/surveys/${encodeURIComponent(this.#key)}`;
	}
	/** Pages below are shown only once it is there. */
	get data(): SurveyDetail {
		return this.shown.value!;
	}
	set data(next: SurveyDetail) {
		this.shown.value = next;
	}
}

export const [useSurvey, provideSurvey] = createContext<SurveyOnPage>();
