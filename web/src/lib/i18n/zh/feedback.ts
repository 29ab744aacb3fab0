// The words of the room Feedback: they come with it.
import { reviews } from './reviews';
import { surveys } from './surveys';
import { texts } from './texts';
import { themes } from './themes';

export const feedback = { ...reviews, ...surveys, ...texts, ...themes };
