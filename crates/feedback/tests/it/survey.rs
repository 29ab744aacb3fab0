//! Surveys by themselves: what is shown to whom, what may be answered, what is found wrong before they are opened.

use std::collections::BTreeSet;

use proptest::prelude::*;
use rapport_feedback::survey::check::Severity;
use rapport_feedback::survey::shown::{counted, end, missing, on_page, page_before, page_from, quotas, shown};
use rapport_feedback::survey::{Answers, Definition, Given, Question, Show, check, read};
use rapport_feedback::{Error, gallery};
use serde_json::{Value, json};

fn survey(questions: Value) -> Definition {
    let form = json!({"title": {"en": "How was it?"}, "default_language": "en", "pages": [{"questions": questions}]});
    Definition::from_json(&form).unwrap()
}

fn question(answer: Value) -> Question {
    serde_json::from_value(json!({"key": "q", "text": {"en": "?"}, "answer": answer})).unwrap()
}

fn codes(survey: &Definition) -> Vec<(&'static str, String)> {
    check(survey).into_iter().map(|it| (it.code, it.place)).collect()
}

#[test]
fn ready_surveys_can_be_opened_as_they_are() {
    for key in gallery::keys() {
        let ready = gallery::ready(key).unwrap();
        assert_eq!(check(&ready.survey), vec![], "{key}");
        assert!(ready.source.len() > 40 && ready.name.0.len() == 2 && ready.purpose.0.len() == 2, "{key}");
        let stored = serde_json::to_value(&ready.survey).unwrap();
        assert_eq!(Definition::from_json(&stored).unwrap(), ready.survey, "{key}: as it is stored");
    }
    assert!(gallery::keys().count() >= 14);
    assert_eq!(gallery::ready("none").unwrap_err().code(), "survey_invalid");
}

#[test]
fn what_is_unknown_is_refused_with_its_place() {
    let form = json!({"title": {"en": "t"}, "default_language": "en", "pages": [{"questions": [{"key": "a", "text": {"en": "t"}, "answer": {"kind": "nps", "points": 5}}]}]});
    let Err(Error::Invalid { place, problem }) = Definition::from_json(&form) else { panic!("it was taken") };
    assert!(place.starts_with("pages[0].questions[0].answer"), "{place}");
    assert!(problem.contains("points"), "{problem}");
    let huge = json!({"title": {"en": "x".repeat(600 << 10)}, "default_language": "en", "pages": []});
    assert!(Definition::from_json(&huge).is_err());
    let strange = json!({"question": "a", "is": ["b"], "more": 1});
    assert!(serde_json::from_value::<Show>(strange).is_err());
}

#[test]
fn what_cannot_work_is_found_with_its_place() {
    let wrong = survey(json!([
        {"key": "A", "text": {"en": "Hello {{ profile.name }}"}, "answer": {"kind": "scale", "from": 5, "to": 1}},
        {"key": "b", "text": {"en": "{{ answers.c|default('x') }} {{ x|upper }}"}, "answer": {"kind": "text"}},
        {"key": "c", "text": {}, "show_if": {"all": [{"question": "c", "is": ["x"]}, {"any": []}]}, "answer": {"kind": "single", "choices": [{"key": "other", "text": {"en": "o"}}]}},
        {"key": "c", "text": {"en": "t"}, "show_if": {"question": "b", "at_most": 3}, "answer": {"kind": "nps"}},
        {"key": "e", "text": {"en": "t"}, "show_if": {"any": [{"question": "c", "at_least": 11}, {"question": "c", "part": "x", "is": ["y"]}, {"question": "c"}]}, "answer": {"kind": "matrix", "rows": [], "columns": [{"key": "a", "text": {"en": "a"}}, {"key": "a", "text": {"en": "a"}}]}},
    ]));
    let found: BTreeSet<(&str, String)> = codes(&wrong).into_iter().collect();
    for (code, place) in [
        ("key_form", "A"),
        ("scale", "A"),
        ("value_fallback", "A"),
        ("value_form", "b"),
        ("test_unknown", "c"),
        ("tests_none", "c"),
        ("text_missing", "c"),
        ("choice_key", "c.other"),
        ("choices_few", "c"),
        ("test_number", "c"),
        ("key_twice", "c"),
        ("test_never", "e"),
        ("test_part", "e"),
        ("test_choice", "e"),
        ("test_empty", "e"),
        ("rows_missing", "e"),
        ("choice_twice", "e.a"),
    ] {
        assert!(found.contains(&(code, place.to_owned())), "{code} at {place} in {found:?}");
    }
    let nothing = survey(json!([{"key": "h", "answer": {"kind": "hidden"}}]));
    assert_eq!(codes(&nothing), vec![("empty", "pages".to_owned())]);

    let mut bad = survey(json!([{"key": "a", "text": {"en": "t"}, "answer": {"kind": "nps"}}]));
    let more = json!({
        "title": {"en": "t", "zh": "标题"}, "default_language": "en", "pages": bad.pages, "quotas": [{"key": "q", "most": 0}, {"key": "q", "most": 1}],
        "ends": [{"text": {"en": "x", "zh": "x"}, "link": {"text": {"en": "go", "zh": "去"}, "url": "javascript:alert(1)"}}, {"text": {"en": "y", "zh": "y"}}],
        "asking": {"kind": "exit", "sample_percent": 0.0, "valid_days": 0, "touchpoint": "The Store", "floor_days": 99999}
    });
    bad = Definition::from_json(&more).unwrap();
    let found: BTreeSet<&str> = codes(&bad).into_iter().map(|(code, _)| code).collect();
    let expected =
        ["end_never", "floor", "language_missing", "link", "quota_key", "quota_none", "sample", "touchpoint", "valid"];
    assert_eq!(found, BTreeSet::from(expected));
    let warnings: Vec<_> =
        check(&bad).into_iter().filter(|it| it.severity == Severity::Warning).map(|it| it.code).collect();
    assert_eq!(warnings, ["end_never", "language_missing"]);
}

/// Part, number, choice and text of an answer.
type Said = (String, Option<i64>, Option<String>, Option<String>);

fn said(answer: Value, value: Value) -> Result<Vec<Said>, &'static str> {
    let given = read(&question(answer), &value).map_err(|refusal| {
        assert!(!refusal.text().contains('{'), "{}", refusal.text());
        refusal.code
    })?;
    Ok(given.into_iter().map(|it| (it.part, it.number, it.choice, it.text)).collect())
}

#[test]
fn answers_are_those_that_the_question_has() {
    let number = |n: i64| Ok(vec![(String::new(), Some(n), None, None)]);
    let part = |part: &str, n: Option<i64>, choice: &str| (part.to_owned(), n, Some(choice.to_owned()), None);
    let nps = json!({"kind": "nps"});
    assert_eq!(said(nps.clone(), json!(10)), number(10));
    assert_eq!(said(nps.clone(), json!(" 0 ")), number(0));
    // The sentinel of a survey that codes a blank as 11 is no promoter.
    assert_eq!(said(nps.clone(), json!(11)), Err("too_high"));
    assert_eq!(said(nps.clone(), json!(-1)), Err("too_low"));
    assert_eq!(said(nps.clone(), json!(9.5)), Err("not_a_number"));
    assert_eq!(said(nps.clone(), json!("9; DROP TABLE")), Err("not_a_number"));
    assert_eq!(said(nps.clone(), json!([9])), Err("wrong_form"));
    for nothing in [json!(null), json!(""), json!("  "), json!([]), json!({}), json!([""]), json!({"a": null})] {
        assert_eq!(said(nps.clone(), nothing), Ok(vec![]));
    }
    assert_eq!(said(json!({"kind": "csat", "points": 5}), json!(6)), Err("too_high"));
    assert_eq!(
        said(json!({"kind": "scale", "from": -2, "to": 2, "no_opinion": true}), json!("no_opinion")),
        Ok(vec![part("", None, "no_opinion")])
    );
    assert_eq!(said(json!({"kind": "scale", "from": -2, "to": 2}), json!("no_opinion")), Err("not_a_number"));

    let choices = json!([{"key": "a", "text": {}, "value": 7}, {"key": "b", "text": {}}, {"key": "none", "text": {}, "exclusive": true}]);
    let single = json!({"kind": "single", "choices": choices, "other": true});
    assert_eq!(said(single.clone(), json!("a")), Ok(vec![part("", Some(7), "a")]));
    assert_eq!(said(single.clone(), json!("c")), Err("unknown_choice"));
    assert_eq!(said(json!({"kind": "single", "choices": choices}), json!("other")), Err("unknown_choice"));
    let other = said(single.clone(), json!({"choice": "other", "text": " my\u{202E} own\u{0} "}));
    assert_eq!(other, Ok(vec![(String::new(), None, Some("other".into()), Some("my own".into()))]));
    assert_eq!(said(single.clone(), json!({"choice": "other", "text": "x".repeat(501)})), Err("too_long"));
    assert_eq!(said(single, json!({"choice": "a", "file": "x"})), Err("wrong_form"));

    let multiple = json!({"kind": "multiple", "choices": choices, "most": 1});
    assert_eq!(said(multiple.clone(), json!(["a", "a", ""])), Ok(vec![part("a", Some(7), "a")]));
    assert_eq!(said(multiple.clone(), json!(["a", "b"])), Err("too_many"));
    assert_eq!(said(multiple.clone(), json!(["a", "none"])), Err("exclusive"));
    assert_eq!(said(multiple, json!(vec!["a"; 100_000])), Err("unknown_choice"));

    let matrix = json!({"kind": "matrix", "rows": [{"key": "r", "text": {}}], "columns": choices});
    assert_eq!(said(matrix.clone(), json!({"r": "a"})), Ok(vec![part("r", Some(7), "a")]));
    assert_eq!(said(matrix.clone(), json!({"s": "a"})), Err("unknown_row"));
    assert_eq!(said(matrix, json!({"r": "z"})), Err("unknown_choice"));

    let ranking = json!({"kind": "ranking", "choices": [{"key": "a", "text": {}}, {"key": "b", "text": {}}]});
    let ranked = Ok(vec![part("b", Some(1), "b"), part("a", Some(2), "a")]);
    assert_eq!(said(ranking.clone(), json!(["b", "a"])), ranked);
    assert_eq!(said(ranking.clone(), json!({"a": "2", "b": "1"})).map(|it| it.len()), Ok(2));
    assert_eq!(said(ranking.clone(), json!({"a": 1, "b": 1})), Err("twice"));
    assert_eq!(said(ranking.clone(), json!(["a", "a"])), Err("twice"));
    assert_eq!(said(ranking.clone(), json!(["a"])), Err("unfinished"));
    assert_eq!(said(ranking, json!(["a", "c"])), Err("unknown_choice"));

    let kano = json!({"kind": "kano", "functional": {}, "dysfunctional": {}});
    let pair = json!({"functional": "like", "dysfunctional": "dislike"});
    assert_eq!(
        said(kano.clone(), pair),
        Ok(vec![part("dysfunctional", Some(5), "dislike"), part("functional", Some(1), "like")])
    );
    assert_eq!(said(kano.clone(), json!({"functional": "love"})), Err("unknown_choice"));
    assert_eq!(said(kano, json!({"third": "like"})), Err("unknown_row"));

    let day = json!({"kind": "date", "from": "2026-01-01"});
    assert_eq!(said(day.clone(), json!("2026-02-28")), Ok(vec![part("", None, "2026-02-28")]));
    for wrong in ["2026-02-29", "2025-12-31", "yesterday", "2026-1-1", "2026-01-01T00:00"] {
        assert_eq!(said(day.clone(), json!(wrong)), Err("not_a_day"), "{wrong}");
    }
    assert_eq!(said(json!({"kind": "consent"}), json!(true)), Ok(vec![part("", None, "yes")]));
    assert_eq!(said(json!({"kind": "consent"}), json!("maybe")), Err("unknown_choice"));
    assert_eq!(said(json!({"kind": "number", "from": 0, "to": 9}), json!("10")), Err("too_high"));
}

#[test]
fn texts_are_harmless_and_of_a_length() {
    let text = |value: &str| {
        said(json!({"kind": "text", "letters": 20}), json!(value))
            .map(|given| given.first().and_then(|it| it.3.clone()))
    };
    assert_eq!(text("a\u{0}b\u{1b}[31m\u{202E}c\r\nd").unwrap().unwrap(), "ab[31mc\nd");
    assert_eq!(text("<script>alert(1)</script>"), Err("too_long"));
    assert_eq!(text("<b>x</b>").unwrap().unwrap(), "<b>x</b>", "it is a text, and escaped where it is shown");
    assert_eq!(text("\u{202E}\u{0}").unwrap(), None);
    assert_eq!(text(&"好".repeat(20)).unwrap().unwrap().chars().count(), 20);
    assert_eq!(text(&"好".repeat(21)), Err("too_long"));
    assert_eq!(text(&"x".repeat(1 << 20)), Err("too_long"));
    assert_eq!(said(json!({"kind": "text"}), json!("data:image/png;base64,iVBORw0KGgo=")), Err("file"));
    assert_eq!(said(json!({"kind": "text"}), json!({"name": "a.pdf"})), Err("wrong_form"));
    assert_eq!(said(json!({"kind": "hidden"}), json!("x".repeat(201))), Err("too_long"));
}

#[test]
fn a_page_asks_what_follows_from_the_answers() {
    let nps = gallery::ready("nps").unwrap().survey;
    let mut answers = Answers::new();
    let keys =
        |page, answers: &Answers| on_page(&nps, page, answers).iter().map(|it| it.key.clone()).collect::<Vec<_>>();
    assert_eq!(missing(&nps, &answers).len(), 1);
    assert_eq!(keys(1, &answers), ["contact"]);
    for (score, follow_up) in [(6, "improve"), (7, "missing"), (9, "like")] {
        answers.insert("nps".into(), vec![Given { number: Some(score), ..Given::default() }]);
        assert_eq!(keys(1, &answers), [follow_up, "contact"]);
    }
    assert_eq!(
        (page_from(&nps, 0, &answers), page_from(&nps, 1, &answers), page_from(&nps, 2, &answers)),
        (Some(0), Some(1), None)
    );
    assert_eq!((page_before(&nps, 1, &answers), page_before(&nps, 0, &answers)), (Some(0), None));
    assert!(missing(&nps, &answers).is_empty());
    // What was said to a question that is no longer shown does not count.
    answers.insert("improve".into(), vec![Given { text: Some("x".into()), ..Given::default() }]);
    assert!(!counted(&nps, &answers).contains_key("improve"));
    assert!(end(&nps, &answers).unwrap().when.is_none());
    answers.insert("nps".into(), vec![Given { number: Some(0), ..Given::default() }]);
    assert!(counted(&nps, &answers).contains_key("improve"));
    assert!(end(&nps, &answers).unwrap().when.is_some());
}

#[test]
fn a_matrix_is_answered_when_all_of_it_is() {
    let survey = survey(
        json!([{"key": "m", "text": {"en": "?"}, "required": true, "answer": {"kind": "kano", "functional": {"en": "f"}, "dysfunctional": {"en": "d"}}}]),
    );
    let half = Given { part: "functional".into(), choice: Some("like".into()), ..Given::default() };
    let other = Given { part: "dysfunctional".into(), ..half.clone() };
    assert_eq!(missing(&survey, &Answers::from([("m".into(), vec![half.clone()])])).len(), 1);
    assert_eq!(missing(&survey, &Answers::from([("m".into(), vec![half, other])])).len(), 0);
}

/// Oracle: whether a question is shown, asked anew of each question it depends on, without an order.
fn is_shown(survey: &Definition, key: &str, answers: &Answers) -> bool {
    fn holds(survey: &Definition, show: &Show, answers: &Answers) -> bool {
        match show {
            Show::All(it) => it.all.iter().filter(|test| holds(survey, test, answers)).count() == it.all.len(),
            Show::Any(it) => it.any.iter().filter(|test| holds(survey, test, answers)).count() > 0,
            Show::Not(it) => !holds(survey, &it.not, answers),
            Show::Test(test) => {
                let own = is_shown(survey, &test.question, answers);
                let number = answers.get(&test.question).filter(|_| own).and_then(|given| given.first()?.number);
                match (test.answered, number) {
                    (Some(false), number) => number.is_none(),
                    (_, None) => false,
                    (_, Some(n)) => n >= test.at_least.unwrap_or(i64::MIN) && n <= test.at_most.unwrap_or(i64::MAX),
                }
            }
        }
    }
    survey.question(key).unwrap().show_if.as_ref().is_none_or(|show| holds(survey, show, answers))
}

fn show_of(before: usize) -> impl Strategy<Value = Value> {
    let test = (0..before.max(1), 0i64..4, 0..3).prop_map(|(question, n, how)| {
        let question = format!("q{question}");
        match how {
            0 => json!({"question": question, "at_least": n}),
            1 => json!({"question": question, "at_most": n}),
            _ => json!({"question": question, "answered": n % 2 == 0}),
        }
    });
    test.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(|all| json!({"all": all})),
            prop::collection::vec(inner.clone(), 1..3).prop_map(|any| json!({"any": any})),
            inner.prop_map(|not| json!({"not": not})),
        ]
    })
}

fn surveys() -> impl Strategy<Value = Definition> {
    let shows: Vec<_> = (0..6).map(|at| prop::option::of(show_of(at))).collect();
    shows.prop_map(|shows| {
        let question = |(at, show): (usize, Option<Value>)| {
            let mut it =
                json!({"key": format!("q{at}"), "text": {"en": "?"}, "answer": {"kind": "scale", "from": 0, "to": 3}});
            if let (true, Some(show)) = (at > 0, show) {
                it["show_if"] = show;
            }
            it
        };
        survey(Value::Array(shows.into_iter().enumerate().map(question).collect()))
    })
}

proptest! {
    #[test]
    fn what_is_shown_is_what_the_oracle_says(survey in surveys(), said in prop::collection::btree_map(0usize..6, 0i64..4, 0..6)) {
        prop_assume!(check(&survey).iter().all(|it| it.severity == Severity::Warning));
        let answers: Answers = said.iter().map(|(at, n)| (format!("q{at}"), vec![Given { number: Some(*n), ..Given::default() }])).collect();
        let expected: Vec<&str> = survey.questions().map(|it| it.key.as_str()).filter(|key| is_shown(&survey, key, &answers)).collect();
        let found: Vec<&str> = shown(&survey, &answers).iter().map(|it| it.key.as_str()).collect();
        prop_assert_eq!(&found, &expected);
        let kept = counted(&survey, &answers);
        prop_assert!(kept.keys().all(|key| expected.contains(&key.as_str())));
        prop_assert_eq!(shown(&survey, &kept).len(), found.len(), "answers that do not count change nothing");
        prop_assert_eq!(quotas(&survey, &answers).len(), 0);
    }

    #[test]
    fn whatever_comes_is_taken_within_its_limits_or_refused(text in "\\PC*|[\\x00-\\x7f]*", n in any::<i64>(), list in prop::collection::vec("[a-d]", 0..6)) {
        for ready in gallery::keys().map(|key| gallery::ready(key).unwrap()) {
            for question in ready.survey.questions() {
                for value in [json!(text), json!(n), json!(list), json!({"choice": "other", "text": text}), json!({text.clone(): text})] {
                    let Ok(given) = read(question, &value) else { continue };
                    for it in given {
                        prop_assert!(it.choice.as_ref().is_none_or(|choice| question.answer.can_be(choice) || question.answer.kind() == "date"));
                        prop_assert!(it.part.is_empty() || question.answer.parts().contains(&it.part.as_str()));
                        if let (Some((scale, _)), Some(number)) = (question.answer.scale(), it.number) {
                            prop_assert!(scale.contains(&i32::try_from(number).unwrap()));
                        }
                        let is_plain = |text: &String| !text.chars().any(|c| c.is_control() && c != '\n' && c != '\t');
                        prop_assert!(it.text.as_ref().is_none_or(is_plain));
                    }
                }
            }
        }
    }
}
