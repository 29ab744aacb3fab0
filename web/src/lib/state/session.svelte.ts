// Who is signed in, and the workspace whose zone, currency and locale every page speaks.
import { api, useCsrfToken } from '$lib/api/client';
import type { Me } from '$lib/api/types';

class Session {
	me = $state.raw<Me | undefined>();
	error = $state.raw<unknown>();

	async load(): Promise<void> {
		try {
			const me = await api.get<Me>('/me');
			useCsrfToken(me.csrf_token);
			this.me = me;
			this.error = undefined;
		} catch (error) {
			this.error = error;
		}
	}

	get zone(): string {
		return this.me?.workspace.time_zone ?? 'UTC';
	}
	get currency(): string {
		return this.me?.workspace.currency ?? 'EUR';
	}
	/** Owners and admins may change the workspace; the server decides, this only hides what it would refuse. */
	get mayManage(): boolean {
		return this.me?.user.role === 'owner' || this.me?.user.role === 'admin';
	}
	get mayWrite(): boolean {
		return this.me !== undefined && this.me.user.role !== 'viewer';
	}
	/** By the server's own word for what is done. */
	may(permission: string): boolean {
		return this.me?.permissions.includes(permission) ?? false;
	}
}

export const session = new Session();
