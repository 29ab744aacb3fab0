// What the parts of the editor of journeys share: the plan, who may change it, and what is known around it.
import type { DryNode, NodeReport } from '$lib/api/journeys';
import type { Gap, Plan, Step } from '$lib/journeys';

export interface PlanEditing {
	readonly plan: Plan;
	readonly mayEdit: boolean;
	/** The chosen node; empty for the plan as a whole. */
	readonly chosen: string;
	/** Names of templates by key, with their form. */
	readonly templates: Record<string, { name: string; form: string }>;
	readonly names: Record<string, string>;
	/** Whether something is set up to send by a channel; undefined while that is not known. */
	readonly ready: (channel: string) => boolean | undefined;
	/** Whether the counts are of a dry run. */
	readonly isDry: boolean;
	/** What a dry run says of a node. */
	readonly dry: (node: string) => DryNode | undefined;
	readonly report: (node: string) => NodeReport | undefined;
	readonly marks: (node: string) => 'error' | 'warning' | undefined;
	/** Changes the plan; changes at one place within a moment are one step of undo. */
	become: (plan: Plan, place?: string) => void;
	setStep: (id: string, step: Step) => void;
	/** With `enters` the focus goes to what the step says: whoever has no mouse would have to pass all other steps on the way. */
	choose: (id: string, enters?: boolean) => void;
	/** Asks which step comes into a gap. */
	add: (gap: Gap) => void;
	remove: (id: string) => void;
}
