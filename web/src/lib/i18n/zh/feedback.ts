// The words of the room Feedback: they come with it.
import { surveys } from './surveys';

export const feedback = { ...surveys };
