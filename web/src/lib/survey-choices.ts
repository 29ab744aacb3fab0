// Shares of what was chosen, by question and by row of a matrix. Pure.
import type { Behind } from './survey-behind';
import { CHOICE, questionsOf, type Definition, type Series } from './surveys';

export interface Chosen {
	question: string;
	/** The row of a matrix; empty of others. */
	line: string;
	choices: { key: string; series: Series; behind: Behind }[];
}

/** A list for each question, and for each row of a matrix, in the order of the survey; what was chosen most comes first. */
export function chosenIn(rows: Series[], definition: Definition): Chosen[] {
	const found: Chosen[] = [];
	for (const series of rows.filter((row) => row.kind === CHOICE)) {
		const kind = questionsOf(definition).find((it) => it.key === series.question)?.answer.kind;
		const slash = series.part.indexOf('/');
		const [line, key] = kind === 'matrix' && slash >= 0 ? [series.part.slice(0, slash), series.part.slice(slash + 1)] : ['', series.part];
		const question = series.question;
		const behind: Behind = kind === 'matrix' ? { question, part: line, choice: key } : kind === 'ranking' ? { question, part: key, at_most: 1 } : { question, choice: key };
		let list = found.find((it) => it.question === question && it.line === line);
		if (!list) found.push((list = { question, line, choices: [] }));
		list.choices.push({ key, series, behind });
	}
	const share = (it: Chosen['choices'][number]) => it.series.total.scores[0]?.estimate ?? 0;
	for (const list of found) list.choices.sort((a, b) => share(b) - share(a));
	return found;
}
