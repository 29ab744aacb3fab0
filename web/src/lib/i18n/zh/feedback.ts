// The words of the room Feedback: they come with it.
import { advocacy } from './advocacy';
import { complaints } from './complaints';
import { followUps } from './follow-ups';
import { improvements } from './improvements';
import { reviews } from './reviews';
import { surveyEditor } from './survey-editor';
import { surveyScores } from './survey-scores';
import { surveys } from './surveys';
import { texts } from './texts';
import { themes } from './themes';

export const feedback = { ...advocacy, ...complaints, ...followUps, ...improvements, ...reviews, ...surveyEditor, ...surveyScores, ...surveys, ...texts, ...themes };
