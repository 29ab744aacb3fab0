//! The index of words: what it finds against rows gone through one by one, how it follows the database, and what it forgets.

use std::collections::BTreeSet;
use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use rapport_domain::{Handle, PersonId, Timestamp, WorkspaceId};
use rapport_feedback::MIGRATIONS;
use rapport_feedback::verbatims::Reader;
use rapport_feedback::verbatims::records::{self, About, Correction, Filter, VerbatimRow};
use rapport_feedback::verbatims::search::{Found, Index, Position, Ranking};
use rapport_store::testing::TestDatabase;
use rapport_store::{Priority, db_test};
use rapport_text::feelings::{ALL, Feeling};
use rapport_text::finding::{Piece, forms, pieces, terms};

const W: WorkspaceId = WorkspaceId(1);

const TEXTS: [&str; 9] = [
    "I am furious, the parcels came late!",
    "Thank you so much, great shoes. The parcel came early",
    "100% wool, not 50_50 (item A-17)",
    "请尽快处理，太失望了，手机壳不好",
    "Ich bin begeistert von der Lieferung",
    "Please reply as soon as possible, my parcel is late",
    "The parcel is blue, the late parcel",
    "Não recomendo, péssimo. A avaliação é ruim",
    "手机壳很好，iPhone手机 fits",
];

fn row(number: u8) -> VerbatimRow {
    let text = TEXTS[usize::from(number) % TEXTS.len()];
    let read = Reader::default().read(text, []);
    let [anger, disappointment, anxiety, joy, gratitude, trust, urgency] = read.feelings;
    VerbatimRow {
        // Of one instant their order is not that of coming.
        event_id: [number.wrapping_mul(151); 16],
        handle: Handle(i64::from(number)),
        person: PersonId(i64::from(number % 3) - 1),
        occurred_at: Timestamp(i64::from(number / 5) * 1_000),
        event_name: if number.is_multiple_of(2) { "Product Reviewed" } else { "Ticket Opened" }.to_owned(),
        language: read.language.unwrap_or_default().to_owned(),
        shown: read.shown,
        rating: (number % 4 != 3).then(|| 1_000 + i64::from(number % 16) * 250),
        sentiment: read.sentiment,
        anger,
        disappointment,
        anxiety,
        joy,
        gratitude,
        trust,
        urgency,
        corrected_at: None,
        subject: String::new(),
    }
}

/// Oracle: whether a text has a word (in any form), a run, or words that follow each other.
fn says(row: &VerbatimRow, words: &str) -> bool {
    let language = Some(row.language.as_str()).filter(|it| !it.is_empty());
    let own = terms(&row.shown, language);
    let has = |word: &str, at: usize| {
        let forms = forms(word);
        own.iter().any(|it| it.position == at && forms.contains(&it.text))
    };
    let last = own.iter().map(|it| it.position).max().unwrap_or_default();
    let pieces = pieces(words);
    match pieces[..] {
        [Piece::Run(run)] => row.shown.to_lowercase().contains(&run.to_lowercase()),
        _ => (0..=last).any(|from| {
            pieces.iter().enumerate().all(|(at, piece)| match piece {
                Piece::Word(word) => has(word, from + at),
                Piece::Run(_) => false,
            })
        }),
    }
}

fn slow(rows: &[VerbatimRow], words: &[(bool, &str)], filter: &Filter) -> Vec<(Timestamp, [u8; 16])> {
    let shows = |it: &VerbatimRow, feeling: Feeling| it.felt().iter().any(|felt| felt.0 == feeling);
    let mut kept: Vec<&VerbatimRow> = rows
        .iter()
        .filter(|it| is_about(it, &filter.about))
        .filter(|it| filter.person.is_none_or(|person| it.person == person))
        .filter(|it| it.occurred_at >= filter.from)
        .filter(|it| match (filter.behind, filter.before) {
            (Some((at, id)), _) => it.occurred_at < at || (it.occurred_at == at && it.event_id > id),
            (None, before) => before.is_none_or(|before| it.occurred_at < before),
        })
        .filter(|it| filter.language.is_empty() || it.language == filter.language)
        .filter(|it| filter.event_name.is_empty() || it.event_name == filter.event_name)
        .filter(|it| filter.feeling.is_none_or(|feeling| shows(it, feeling)))
        .filter(|it| {
            filter.stars.is_none_or(|stars| it.rating.is_some_and(|own| (own as f64 / 1e3).round() as i64 == stars))
        })
        .filter(|it| filter.least.is_none_or(|least| it.sentiment >= least))
        .filter(|it| filter.most.is_none_or(|most| it.sentiment <= most))
        .filter(|it| words.iter().all(|(with, word)| says(it, word) == *with))
        .collect();
    kept.sort_by_key(|it| (std::cmp::Reverse(it.occurred_at), it.event_id));
    kept.iter().map(|it| (it.occurred_at, it.event_id)).collect()
}

fn abouts() -> impl Strategy<Value = About> {
    prop::sample::select(vec![About::Us, About::Us, About::All, About::Them("Rival".to_owned())])
}

fn is_about(row: &VerbatimRow, about: &About) -> bool {
    match about {
        About::Us => row.subject.is_empty(),
        About::Them(name) => row.subject == *name,
        About::All => true,
    }
}

fn filters() -> impl Strategy<Value = Filter> {
    let feeling = prop::option::of(prop::sample::select(ALL.to_vec()));
    let behind = prop::option::of((0i64..9, 0u8..=255));
    let before = prop::option::of(0i64..9_000);
    let sentiments = (prop::option::of(-1_000i64..1_000), prop::option::of(-1_000i64..1_000));
    let named = (prop::sample::select(vec!["", "", "en", "zh"]), prop::sample::select(vec!["", "Ticket Opened"]));
    let person = prop::option::weighted(0.3, -1i64..2);
    let stars = prop::option::weighted(0.2, 1i64..6);
    (person, 0i64..3, prop::option::weighted(0.2, feeling), behind, before, sentiments, named, (stars, abouts()))
        .prop_map(|(person, from, feeling, behind, before, (least, most), (language, event_name), (stars, about))| {
            Filter {
                person: person.map(PersonId),
                from: Timestamp(from * 1_000),
                before: before.map(Timestamp),
                behind: behind.map(|(at, id)| (Timestamp(at * 1_000), [id; 16])),
                language: language.to_owned(),
                event_name: event_name.to_owned(),
                feeling: feeling.flatten(),
                least: least.filter(|it| *it < 0),
                most: most.filter(|it| *it > 0),
                stars,
                about,
            }
        })
}

fn all() -> Filter {
    Filter { from: Timestamp(i64::MIN), ..Filter::default() }
}

fn find(index: &Index, words: &str) -> Found {
    index.find(words, &all(), Ranking::Newest, 100).unwrap()
}

fn shown(found: &Found, rows: &[VerbatimRow]) -> BTreeSet<String> {
    found.events.iter().map(|(_, id)| rows.iter().find(|it| it.event_id == *id).unwrap().shown.clone()).collect()
}

#[test]
fn what_is_found_is_what_all_texts_gone_through_have() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    assert_eq!(find(&index, "parcel"), Found::default());
    let subject = |number: u8| if number % 4 == 1 { "Rival" } else { "" };
    let about = |number: u8| VerbatimRow { subject: subject(number).to_owned(), ..row(number) };
    let rows: Vec<VerbatimRow> = (0..45).map(about).collect();
    // In several segments.
    for part in rows.chunks(10) {
        index.follow(&[], part, Position::default()).unwrap();
    }
    let words = prop::collection::vec(
        (
            prop::bool::weighted(0.8),
            prop::sample::select(vec![
                "parcel",
                "PARCELS",
                "late",
                "late parcel",
                "parcel late",
                "pessimo",
                "avaliações",
                "手机",
                "机壳",
                "好",
                "手机好",
                "iphone",
                "A-17",
                "Lieferungen",
                "nothing",
            ]),
        ),
        0..3,
    );
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    for _ in 0..400 {
        let (filter, words) = (filters(), &words).new_tree(&mut runner).unwrap().current();
        let typed: Vec<String> =
            words.iter().map(|(with, word)| format!("{}\"{word}\"", if *with { "" } else { "-" })).collect();
        let found = index.find(&typed.join(" "), &filter, Ranking::Newest, 100).unwrap();
        let wanted = slow(&rows, &words, &filter);
        let total = slow(&rows, &words, &Filter { behind: None, ..filter.clone() }).len();
        assert_eq!((found.total, &found.events), (total, &wanted), "{typed:?} {filter:?}");
        let first = index.find(&typed.join(" "), &filter, Ranking::Newest, 2).unwrap();
        assert_eq!((first.total, &first.events[..]), (total, &wanted[..wanted.len().min(2)]));
        let mut best = index.find(&typed.join(" "), &filter, Ranking::Best(0), 100).unwrap().events;
        best.sort_unstable();
        let mut wanted = wanted;
        wanted.sort_unstable();
        assert_eq!(best, wanted);
    }
}

#[test]
fn what_is_typed_is_read_as_people_mean_it() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let rows: Vec<VerbatimRow> = (0..9).map(row).collect();
    index.follow(&[], &rows, Position::default()).unwrap();
    let count = |words: &str| find(&index, words).total;
    // All words, in any order; a phrase in its own; an unfinished one; without.
    assert_eq!((count("late parcel"), count("\"late parcel\""), count("“late parcel”")), (3, 1, 1));
    assert_eq!((count("parcel -late"), count("-parcel"), count("parc*"), count("par*"), count("p*")), (1, 5, 4, 4, 0));
    assert_eq!((count("recomend*"), count("NÃO pessimo"), count("\"unfinished parcel")), (1, 1, 0));
    // Chinese as it stands, together with other words.
    assert_eq!(
        (count("手机壳"), count("手机壳很好"), count("壳不好"), count("手机壳 iphone"), count("失望手机")),
        (2, 1, 1, 1, 0)
    );
    // No word at all finds everything; signs do no harm.
    for any in ["", "   ", "\"", "- - *", "%_\\ ()[]{}:^~", "\u{202e}\0"] {
        assert_eq!(count(any), 9, "{any:?}");
    }
    assert_eq!(count(&"parcel ".repeat(10_000)), 4);
    assert_eq!(count(&format!("\"{}\"", "手".repeat(100_000))), 0);
    // Who speaks most of it comes first.
    let best = index.find("parcel", &all(), Ranking::Best(0), 2).unwrap();
    assert_eq!((best.total, best.events[0].1), (4, rows[6].event_id));
    let next = index.find("parcel", &all(), Ranking::Best(1), 2).unwrap();
    assert_eq!(next.events[0], best.events[1]);
}

/// Whether a word is in any file: in the dictionary of a segment, or in a file of a segment that is none any more.
fn holds(folder: &Path, word: &str) -> bool {
    let index = tantivy::Index::open_in_dir(folder).unwrap();
    let body = index.schema().get_field("body").unwrap();
    let segments = index.searchable_segment_metas().unwrap();
    let of_segment = |name: &str| segments.iter().any(|it| name.starts_with(&it.id().uuid_string()));
    let named = |it: std::fs::DirEntry| it.file_name().into_string().unwrap();
    let mut names = std::fs::read_dir(folder).unwrap().map(|it| named(it.unwrap()));
    let stray = names
        .any(|name| name.len() > 32 && name.as_bytes()[..32].iter().all(u8::is_ascii_hexdigit) && !of_segment(&name));
    let searcher = index.reader().unwrap().searcher();
    let knows = |it: &tantivy::SegmentReader| {
        it.inverted_index(body).unwrap().terms().term_ord(word.as_bytes()).unwrap().is_some()
    };
    stray || searcher.segment_readers().iter().any(knows)
}

async fn follow(db: &TestDatabase, index: &Index, most: i64) {
    loop {
        let changes = records::changes(&mut db.read(), W, index.position(), most).await.unwrap().unwrap();
        index.follow(&changes.gone, &changes.changed, changes.to).unwrap();
        if !changes.more {
            return;
        }
    }
}

#[db_test(MIGRATIONS)]
async fn it_follows_what_comes_changes_and_goes(db: TestDatabase) {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let mut rows: Vec<VerbatimRow> = (0..9).map(row).collect();
    rows[2].shown = "zanzibarword of somebody".to_owned();
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    for part in rows.chunks(4) {
        records::insert(&mut tx, W, part).await.unwrap();
    }
    tx.commit().await.unwrap();
    follow(&db, &index, 2).await;
    assert_eq!((index.len(), shown(&find(&index, "zanzibarword"), &rows).len()), (9, 1));
    assert!(holds(folder.path(), "zanzibarword"));
    // Nothing new: nothing to do.
    let quiet = records::changes(&mut db.read(), W, index.position(), 100).await.unwrap().unwrap();
    assert_eq!((quiet.gone.len(), quiet.changed.len(), quiet.to, quiet.more), (0, 0, index.position(), false));

    // A correction, another person, one replaced, one person erased (row 2 and those of their person).
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    let angry = Correction { sentiment: Some(-900), feelings: Some(BTreeSet::from([Feeling::Anxiety])) };
    records::correct(&mut tx, W, &rows[4], &angry, ("usr_ann", Timestamp(5))).await.unwrap();
    records::follow(&mut tx, W, &[(rows[3].handle, rows[3].person, PersonId(77))]).await.unwrap();
    records::delete(&mut tx, W, rows[6].event_id, Timestamp(5)).await.unwrap();
    records::remove_of(&mut tx, W, rows[2].person, Timestamp(6)).await.unwrap();
    for row in rows.iter().filter(|it| it.person == rows[2].person) {
        records::delete(&mut tx, W, row.event_id, Timestamp(6)).await.unwrap();
    }
    tx.commit().await.unwrap();
    follow(&db, &index, 100).await;
    let gone = 1 + rows.iter().filter(|it| it.person == rows[2].person).count() as u64;
    assert_eq!((index.len(), find(&index, "zanzibarword").total), (9 - gone, 0));
    let anxious = Filter { feeling: Some(Feeling::Anxiety), most: Some(-900), ..all() };
    assert_eq!(index.find("", &anxious, Ranking::Newest, 9).unwrap().events, [(rows[4].occurred_at, rows[4].event_id)]);
    let theirs = Filter { person: Some(PersonId(77)), ..all() };
    assert_eq!(index.find("", &theirs, Ranking::Newest, 9).unwrap().events, [(rows[3].occurred_at, rows[3].event_id)]);
    // In no file any more; and it is all still there.
    index.purge().unwrap();
    assert!(!holds(folder.path(), "zanzibarword"), "an erased word is still in a file");
    assert_eq!(index.len(), 9 - gone);
    index.purge().unwrap();

    // Opened again it stands where it stood; what was forgotten meanwhile lets an older one begin anew.
    let at = index.position();
    drop(index);
    let index = Index::open(folder.path()).unwrap();
    assert_eq!((index.position(), index.len()), (at, 9 - gone));
    let mut tx = db.begin(Priority::Interactive).await.unwrap();
    records::forget_removals(&mut tx, W, Timestamp(100)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(records::changes(&mut db.read(), W, at, 100).await.unwrap().is_some());
    let older = Position { removed: at.removed - 1, ..at };
    assert_eq!(records::changes(&mut db.read(), W, older, 100).await.unwrap(), None);
    let of_another = Position { changed: (at.changed.0 + 1_000, [0; 16]), ..at };
    assert_eq!(records::changes(&mut db.read(), W, of_another, 100).await.unwrap(), None);
    let anew = tempfile::tempdir().unwrap();
    let anew = Index::open(anew.path()).unwrap();
    follow(&db, &anew, 3).await;
    assert_eq!((anew.len(), anew.position()), (9 - gone, at));
}

#[test]
fn a_folder_that_cannot_be_read_is_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let index = Index::open(folder.path()).unwrap();
    let to = Position { changed: (3, [9; 16]), removed: 2 };
    index.follow(&[], &[row(0)], to).unwrap();
    drop(index);
    assert_eq!(Index::open(folder.path()).unwrap().position(), to);
    std::fs::write(folder.path().join("meta.json"), "{ half").unwrap();
    let index = Index::open(folder.path()).unwrap();
    assert_eq!((index.position(), index.len()), (Position::default(), 0));
    index.follow(&[], &[row(0)], to).unwrap();
    assert_eq!(index.len(), 1);
}
