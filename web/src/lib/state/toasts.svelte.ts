// Short messages at the foot of the page: what was done, or what went wrong. They leave by themselves; errors stay longer.
export interface Toast {
	id: number;
	text: string;
	tone: 'good' | 'bad';
}

class Toasts {
	list = $state<Toast[]>([]);
	#last = 0;

	say(text: string, tone: Toast['tone'] = 'good'): void {
		const id = ++this.#last;
		this.list.push({ id, text, tone });
		setTimeout(() => this.close(id), tone === 'bad' ? 9000 : 4000);
	}

	close(id: number): void {
		this.list = this.list.filter((toast) => toast.id !== id);
	}
}

export const toasts = new Toasts();
