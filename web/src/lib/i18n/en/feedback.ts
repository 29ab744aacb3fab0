// The words of the room Feedback: they come with it.
import { advocacy } from './advocacy';
import { complaintSettings } from './complaint-settings';
import { complaints } from './complaints';
import { followUps } from './follow-ups';
import { ideas } from './ideas';
import { improvements } from './improvements';
import { intents } from './intents';
import { notes } from './notes';
import { reviews } from './reviews';
import { surveyAsking } from './survey-asking';
import { surveyEditor } from './survey-editor';
import { surveyFile } from './survey-file';
import { surveyModel } from './survey-model';
import { surveyScores } from './survey-scores';
import { surveys } from './surveys';
import { texts } from './texts';
import { themes } from './themes';
import { topics } from './topics';

export const feedback = { ...advocacy, ...complaintSettings, ...complaints, ...followUps, ...ideas, ...improvements, ...intents, ...notes, ...reviews, ...surveyAsking, ...surveyEditor, ...surveyFile, ...surveyModel, ...surveyScores, ...surveys, ...texts, ...themes, ...topics };
