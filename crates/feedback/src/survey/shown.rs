//! What somebody is shown, from what they answered so far.
//!
//! Always holds: what is shown depends on earlier answers of questions that are shown themselves; answers of others are as if they were not there.

use super::answer::Answers;
use super::definition::{Definition, End};
use super::question::{Answer, Question};

/// The questions that somebody with these answers is asked, in order; with hidden ones.
pub fn shown<'a>(survey: &'a Definition, answers: &Answers) -> Vec<&'a Question> {
    let mut counted = Answers::new();
    survey.questions().filter(|question| see(question, answers, &mut counted)).collect()
}

/// The answers that count: of questions that are shown.
pub fn counted(survey: &Definition, answers: &Answers) -> Answers {
    let mut counted = Answers::new();
    for question in survey.questions() {
        see(question, answers, &mut counted);
    }
    counted
}

/// Whether a question is shown; its answer counts from then on.
fn see(question: &Question, answers: &Answers, counted: &mut Answers) -> bool {
    let is_shown = question.show_if.as_ref().is_none_or(|show| show.holds(counted));
    if let Some(given) = answers.get(&question.key).filter(|given| is_shown && !given.is_empty()) {
        counted.insert(question.key.clone(), given.clone());
    }
    is_shown
}

/// What is asked on a page.
pub fn on_page<'a>(survey: &'a Definition, page: usize, answers: &Answers) -> Vec<&'a Question> {
    let Some(page) = survey.pages.get(page) else { return Vec::new() };
    let shown = shown(survey, answers);
    let is_asked = |question: &&Question| !matches!(question.answer, Answer::Hidden {});
    page.questions.iter().filter(|own| shown.iter().any(|it| it.key == own.key)).filter(is_asked).collect()
}

/// The first page from `from` on that asks something.
pub fn page_from(survey: &Definition, from: usize, answers: &Answers) -> Option<usize> {
    (from..survey.pages.len()).find(|page| !on_page(survey, *page, answers).is_empty())
}

/// The last page before `page` that asks something.
pub fn page_before(survey: &Definition, page: usize, answers: &Answers) -> Option<usize> {
    (0..page.min(survey.pages.len())).rev().find(|page| !on_page(survey, *page, answers).is_empty())
}

/// The questions that still need an answer, in order.
pub fn missing<'a>(survey: &'a Definition, answers: &Answers) -> Vec<&'a Question> {
    let is_open = |question: &&Question| {
        question.required
            && !matches!(question.answer, Answer::Hidden {})
            && !is_whole(question, answers.get(&question.key).map_or(&[][..], Vec::as_slice))
    };
    shown(survey, answers).into_iter().filter(is_open).collect()
}

/// Whether a required question is answered: all rows of a matrix, both halves of a Kano pair, all of a ranking.
pub fn is_whole(question: &Question, given: &[super::answer::Given]) -> bool {
    match &question.answer {
        Answer::Matrix { .. } | Answer::Kano { .. } | Answer::Ranking { .. } => {
            question.answer.parts().iter().all(|part| given.iter().any(|it| it.part == *part))
        }
        _ => !given.is_empty(),
    }
}

/// The quotas that these answers count for, by their keys.
pub fn quotas<'a>(survey: &'a Definition, answers: &Answers) -> Vec<&'a super::definition::Quota> {
    let counted = counted(survey, answers);
    survey.quotas.iter().filter(|it| it.when.as_ref().is_none_or(|when| when.holds(&counted))).collect()
}

/// What is said at the end, if the survey says anything of its own.
pub fn end<'a>(survey: &'a Definition, answers: &Answers) -> Option<&'a End> {
    let counted = counted(survey, answers);
    survey.ends.iter().find(|end| end.when.as_ref().is_none_or(|when| when.holds(&counted)))
}
