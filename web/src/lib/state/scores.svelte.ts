// A model that scores people, with the figures of its last run of scores: both are asked for again while a job is under way. Made while a component is set up.
import { api } from '$lib/api/client';
import { isBusy, type Model } from '$lib/models';
import { whileBusy } from './busy.svelte';
import { Resource } from './resource.svelte';

export class Scores<F> {
	readonly model = new Resource<Model>();
	readonly figures = new Resource<F>();
	/** Which run of scores there was last; nothing before the first. */
	readonly run = $derived(this.model.value?.scored_at && JSON.stringify([this.model.value.scored_at, this.model.value.scored_version, this.model.value.scoring?.state]));
	readonly load: () => Promise<void>;
	readonly loadFigures: () => Promise<void>;

	constructor(model: string, figures: string) {
		this.load = () => this.model.load((signal) => api.get<Model>(`/models/${model}`, { signal, purpose: 'analytics' }));
		this.loadFigures = () => this.figures.load((signal) => api.get<F>(`/models/${model}/${figures}`, { signal, purpose: 'analytics' }));
		$effect(() => void this.load());
		$effect(() => void (this.run && this.loadFigures()));
		whileBusy(() => this.model.value && isBusy(this.model.value), this.load);
		$effect(() => () => {
			this.model.cancel();
			this.figures.cancel();
		});
	}
}
