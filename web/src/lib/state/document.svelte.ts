// What staff write of the programme, while they write it: what was changed, whether it is being saved, and why it was refused. Leaving asks first.
import { beforeNavigate } from '$app/navigation';
import { api } from '$lib/api/client';
import { t } from '$lib/i18n/index.svelte';
import { keyOf, type RuleState } from '$lib/loyalty';
import { toasts } from './toasts.svelte';

export class DocumentDraft<T extends { name: string }, Saved extends { key: string; version: number; state: RuleState }> {
	value = $state.raw<T>()!;
	/** The key that somebody typed; the one made of the name counts without it. */
	key = $state('');
	touched = $state(false);
	busy = $state(false);
	refused = $state.raw<unknown>(null);
	readonly saved: Saved | undefined;

	constructor(start: T, saved: Saved | undefined) {
		this.value = start;
		this.saved = saved;
		beforeNavigate((navigation) => {
			if (this.touched && !this.busy && !confirm(t('loyalty.leave_sure'))) navigation.cancel();
		});
	}

	get state(): RuleState {
		return this.saved?.state ?? 'draft';
	}
	get wanted(): string {
		return this.saved?.key ?? (this.key.trim() || keyOf(this.value.name));
	}
	get isKey(): boolean {
		return /^[a-z0-9_-]{1,64}$/.test(this.wanted);
	}
	edit = (change: Partial<T>) => ([this.value, this.touched, this.refused] = [{ ...this.value, ...change }, true, null]);

	/** Saves it as a new version and says so; nothing when it was refused. */
	async save(path: string, body: Record<string, unknown>, to: RuleState): Promise<Saved | undefined> {
		if (this.busy) return;
		this.busy = true;
		this.refused = null;
		try {
			const next = await api.put<Saved>(`${path}/${encodeURIComponent(this.wanted)}`, { version: this.saved?.version ?? 0, state: to, ...body });
			toasts.say(t(`loyalty.saved.${to}`));
			this.touched = false;
			return next;
		} catch (error) {
			this.refused = error;
		} finally {
			this.busy = false;
		}
	}
}
