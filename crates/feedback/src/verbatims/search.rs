//! The index of words over verbatims of one workspace: a cache in a folder, which follows the database by numbers.
//!
//! Always holds: what is found is what the database held at the position that the index says of itself; a position commits with what it speaks of, so
//! that a crash loses nothing and doubles nothing; what was removed is in no file after [`Index::purge`]; a folder that cannot be read is begun anew.
//!
//! Does not do: hold texts (it has stems and numbers), or say who may see what it finds.

mod wanted;

use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rapport_domain::Timestamp;
use rapport_text::feelings::ALL;
use rapport_text::finding::terms;
use serde::{Deserialize, Serialize};
use tantivy::collector::sort_key::SortByStaticFastValue;
use tantivy::collector::{Count, TopDocs};
use tantivy::directory::MmapDirectory;
use tantivy::schema::{FAST, Field, INDEXED, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions};
use tantivy::tokenizer::{PreTokenizedString, Token};
use tantivy::{DocAddress, IndexReader, IndexWriter, Order, ReloadPolicy, TantivyDocument, Term};

use super::records::{Filter, VerbatimRow};

/// What a writer may hold before it writes a segment.
const WRITER_BYTES: usize = 32 << 20;
/// Grows when what is indexed changes: older folders are begun anew.
const FORMAT: u32 = 3;

/// How far an index has followed the database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The number of the last change, and of those of that number the last verbatim.
    pub changed: (i64, [u8; 16]),
    /// The number of the last removal.
    pub removed: i64,
}

/// In which order verbatims are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ranking {
    /// The newest first.
    #[default]
    Newest,
    /// First those that speak most of what is sought (BM25), leaving out so many.
    Best(usize),
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// When they were written, and by which events they came, in order.
    pub events: Vec<(Timestamp, [u8; 16])>,
    /// How many there are on all pages.
    pub total: usize,
}

#[derive(Clone, Copy, Debug)]
struct Fields {
    id: Field,
    /// The event's id again, in halves, by which those of one instant are ordered.
    high: Field,
    low: Field,
    person: Field,
    occurred_at: Field,
    sentiment: Field,
    language: Field,
    event_name: Field,
    feeling: Field,
    stars: Field,
    subject: Field,
    body: Field,
}

/// An opened index.
pub struct Index {
    index: tantivy::Index,
    reader: IndexReader,
    fields: Fields,
    /// One at a time writes.
    position: Mutex<Position>,
}

impl Index {
    /// Opens what is in a folder, or begins anew there.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn open(folder: &Path) -> tantivy::Result<Self> {
        Self::open_as_it_is(folder).or_else(|_| {
            let _ = std::fs::remove_dir_all(folder);
            std::fs::create_dir_all(folder)?;
            Self::open_as_it_is(folder)
        })
    }

    fn open_as_it_is(folder: &Path) -> tantivy::Result<Self> {
        let (schema, fields) = schema();
        let index = tantivy::Index::open_or_create(MmapDirectory::open(folder)?, schema)?;
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into()?;
        let payload = index.load_metas()?.payload;
        let (format, position): (u32, Position) = match payload {
            None => (FORMAT, Position::default()),
            Some(text) => {
                serde_json::from_str(&text).map_err(|error| tantivy::TantivyError::SystemError(error.to_string()))?
            }
        };
        if format != FORMAT {
            return Err(tantivy::TantivyError::SystemError("of another format".to_owned()));
        }
        Ok(Self { index, reader, fields, position: Mutex::new(position) })
    }

    /// How far it has followed.
    pub fn position(&self) -> Position {
        *self.position.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up what is gone and what changed, and stands at `to` afterwards. What is gone goes first: a verbatim that is there is there.
    ///
    /// # Errors
    /// The folder cannot be written; then it stands where it stood.
    pub fn follow(&self, gone: &[[u8; 16]], changed: &[VerbatimRow], to: Position) -> tantivy::Result<()> {
        let mut position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        let mut writer: IndexWriter = self.index.writer_with_num_threads(1, WRITER_BYTES)?;
        for id in gone.iter().chain(changed.iter().map(|it| &it.event_id)) {
            writer.delete_term(Term::from_field_bytes(self.fields.id, id));
        }
        for row in changed {
            writer.add_document(self.document(row))?;
        }
        let mut commit = writer.prepare_commit()?;
        let payload =
            serde_json::to_string(&(FORMAT, to)).map_err(|it| tantivy::TantivyError::SystemError(it.to_string()))?;
        commit.set_payload(&payload);
        commit.commit()?;
        writer.wait_merging_threads()?;
        self.reader.reload()?;
        *position = to;
        Ok(())
    }

    /// Writes anew what still holds something that is gone, so that it is in no file.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn purge(&self) -> tantivy::Result<()> {
        let _position = self.position.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever holds what is said of a segment holds its files.
        let metas = self.index.searchable_segment_metas()?.into_iter();
        let holding: Vec<_> = metas.filter(|it| it.num_deleted_docs() > 0).map(|it| it.id()).collect();
        if holding.is_empty() {
            return Ok(());
        }
        let mut writer: IndexWriter = self.index.writer_with_num_threads(1, WRITER_BYTES)?;
        writer.merge(&holding).wait()?;
        // Readers hold the files of what they opened.
        self.reader.reload()?;
        writer.garbage_collect_files().wait()?;
        writer.wait_merging_threads()
    }

    /// How many verbatims it has.
    pub fn len(&self) -> u64 {
        self.reader.searcher().num_docs()
    }

    /// Whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Finds what has all `words` and passes the filter. In words, `"…"` is a phrase, `-` before one leaves out what has it, `*` behind one stands for
    /// any ending.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn find(&self, words: &str, filter: &Filter, ranking: Ranking, limit: usize) -> tantivy::Result<Found> {
        let searcher = self.reader.searcher();
        let query = wanted::query(&self.fields, words, filter);
        let query = query.as_ref();
        let limit = limit.max(1);
        let (count, found): (usize, Vec<DocAddress>) = match ranking {
            Ranking::Best(behind) => {
                let top = TopDocs::with_limit(limit).and_offset(behind).order_by_score();
                let (count, found) = searcher.search(query, &(Count, top))?;
                (count, found.into_iter().map(|it| it.1).collect())
            }
            Ranking::Newest => {
                let time = (SortByStaticFastValue::<i64>::for_field("occurred_at"), Order::Desc);
                let halves = (
                    (SortByStaticFastValue::<u64>::for_field("high"), Order::Asc),
                    (SortByStaticFastValue::<u64>::for_field("low"), Order::Asc),
                );
                let top = TopDocs::with_limit(limit).order_by((time, halves));
                let (count, found) = searcher.search(query, &(Count, top))?;
                (count, found.into_iter().map(|it| it.1).collect())
            }
        };
        // All pages have the same number of all.
        let total = match filter.behind {
            None => count,
            Some(_) => {
                let all = Filter { behind: None, ..filter.clone() };
                searcher.search(wanted::query(&self.fields, words, &all).as_ref(), &Count)?
            }
        };
        let mut events = Vec::with_capacity(found.len());
        for at in found {
            let segment = searcher.segment_reader(at.segment_ord).fast_fields();
            let half =
                |name: &str| Ok::<u64, tantivy::TantivyError>(segment.u64(name)?.first(at.doc_id).unwrap_or_default());
            let id = ((u128::from(half("high")?) << 64) | u128::from(half("low")?)).to_be_bytes();
            let time = segment.i64("occurred_at")?.first(at.doc_id).unwrap_or_default();
            events.push((Timestamp(time), id));
        }
        Ok(Found { events, total })
    }

    fn document(&self, row: &VerbatimRow) -> TantivyDocument {
        let it = &self.fields;
        let (high, low) = halves(row.event_id);
        let mut document = TantivyDocument::default();
        document.add_bytes(it.id, &row.event_id);
        document.add_u64(it.high, high);
        document.add_u64(it.low, low);
        document.add_i64(it.person, row.person.0);
        document.add_i64(it.occurred_at, row.occurred_at.0);
        document.add_i64(it.sentiment, row.sentiment);
        document.add_text(it.language, &row.language);
        document.add_text(it.event_name, &row.event_name);
        document.add_text(it.subject, subject_term(&row.subject));
        for (feeling, strength) in ALL.into_iter().zip(row.feelings()) {
            if strength > 0 {
                document.add_text(it.feeling, feeling.name());
            }
        }
        if let Some(stars) = row.stars() {
            document.add_i64(it.stars, stars);
        }
        let language = Some(row.language.as_str()).filter(|it| !it.is_empty());
        let token =
            |term: rapport_text::finding::Term| Token { position: term.position, text: term.text, ..Token::default() };
        let tokens = terms(&row.shown, language).into_iter().map(token).collect();
        document.add_pre_tokenized_text(it.body, PreTokenizedString { text: String::new(), tokens });
        document
    }
}

/// Whom a text is about, as a term: there is none of nothing.
fn subject_term(subject: &str) -> String {
    format!("={subject}")
}

/// An id in two numbers that are ordered as its bytes are.
fn halves(id: [u8; 16]) -> (u64, u64) {
    let whole = u128::from_be_bytes(id);
    ((whole >> 64) as u64, whole as u64)
}

/// The last instant at all; no verbatim is behind it.
const EVER: Timestamp = Timestamp(i64::MAX);

fn schema() -> (Schema, Fields) {
    let mut schema = Schema::builder();
    let body = TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqsAndPositions);
    let fields = Fields {
        id: schema.add_bytes_field("id", INDEXED),
        high: schema.add_u64_field("high", FAST),
        low: schema.add_u64_field("low", FAST),
        person: schema.add_i64_field("person", INDEXED),
        occurred_at: schema.add_i64_field("occurred_at", FAST),
        sentiment: schema.add_i64_field("sentiment", FAST),
        language: schema.add_text_field("language", STRING),
        event_name: schema.add_text_field("event_name", STRING),
        feeling: schema.add_text_field("feeling", STRING),
        stars: schema.add_i64_field("stars", INDEXED),
        subject: schema.add_text_field("subject", STRING),
        body: schema.add_text_field("body", TextOptions::default().set_indexing_options(body)),
    };
    (schema.build(), fields)
}
