//! Values coming out of a row: [`Column`] reads one cell, [`Record`] reads one row (derive it, or use a tuple).
//!
//! Always holds: a column's type is checked, never coerced; an error names the column, not its value.

use rapport_domain::{AccountId, Handle, Id, PersonId, SourceId, Timestamp, WorkspaceId};
use sqlx::postgres::{PgRow, PgValueRef};
use sqlx::sqlite::{SqliteRow, SqliteValueRef};
use sqlx::{Column as _, Decode, Postgres, Row as _, Sqlite, Type, TypeInfo, ValueRef};

use crate::{Error, Result};

/// One row of a result, of either engine.
#[derive(Debug)]
pub struct Row(pub(crate) RowInner);

#[derive(Debug)]
pub(crate) enum RowInner {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

/// One cell of a row.
pub struct Cell<'r>(CellInner<'r>);

enum CellInner<'r> {
    Sqlite(SqliteValueRef<'r>),
    Postgres(PgValueRef<'r>),
}

/// A type that one cell can be read as.
pub trait Column: Sized {
    /// Reads `cell`; the error says why not, without the value.
    fn read(cell: Cell<'_>) -> Result<Self, String>;
}

/// A type that a whole row can be read as. `#[derive(Record)]` reads each field from the column of its name
/// (`#[record(column = "other")]` for another name); tuples read by position.
pub trait Record: Sized {
    /// Reads `row`.
    fn from_row(row: &Row) -> Result<Self>;
}

/// A row of which only the statement knows how many columns it has, each a text.
impl Record for Vec<Option<String>> {
    fn from_row(row: &Row) -> Result<Self> {
        (0..row.width()).map(|position| row.at(position)).collect()
    }
}

/// A value kept as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl Row {
    /// The value of the column called `name`.
    pub fn get<T: Column>(&self, name: &str) -> Result<T> {
        let cell = match &self.0 {
            RowInner::Sqlite(row) => CellInner::Sqlite(row.try_get_raw(name)?),
            RowInner::Postgres(row) => CellInner::Postgres(row.try_get_raw(name)?),
        };
        T::read(Cell(cell)).map_err(|reason| Error::Decode { column: name.to_owned(), reason })
    }

    /// The value of the column at `position`, from 0.
    pub fn at<T: Column>(&self, position: usize) -> Result<T> {
        let cell = match &self.0 {
            RowInner::Sqlite(row) => CellInner::Sqlite(row.try_get_raw(position)?),
            RowInner::Postgres(row) => CellInner::Postgres(row.try_get_raw(position)?),
        };
        T::read(Cell(cell)).map_err(|reason| Error::Decode { column: self.name_of(position), reason })
    }

    /// How many columns it has.
    fn width(&self) -> usize {
        match &self.0 {
            RowInner::Sqlite(row) => row.len(),
            RowInner::Postgres(row) => row.len(),
        }
    }

    fn name_of(&self, position: usize) -> String {
        match &self.0 {
            RowInner::Sqlite(row) => row.column(position).name().to_owned(),
            RowInner::Postgres(row) => row.column(position).name().to_owned(),
        }
    }
}

impl<'r> Cell<'r> {
    /// Whether the cell holds no value.
    pub fn is_null(&self) -> bool {
        match &self.0 {
            CellInner::Sqlite(value) => value.is_null(),
            CellInner::Postgres(value) => value.is_null(),
        }
    }

    /// Reads a type that both engines know, after checking that it fits.
    fn decode<T>(self) -> Result<T, String>
    where
        T: Decode<'r, Sqlite> + Type<Sqlite> + Decode<'r, Postgres> + Type<Postgres>,
    {
        if self.is_null() {
            return Err("it is null".into());
        }
        match self.0 {
            CellInner::Sqlite(value) => {
                check::<Sqlite, T>(&value.type_info())?;
                <T as Decode<'r, Sqlite>>::decode(value)
            }
            CellInner::Postgres(value) => {
                check::<Postgres, T>(&value.type_info())?;
                <T as Decode<'r, Postgres>>::decode(value)
            }
        }
        .map_err(|_| "unexpected content".into())
    }
}

fn check<DB: sqlx::Database, T: Type<DB>>(found: &DB::TypeInfo) -> Result<(), String> {
    if T::compatible(found) {
        return Ok(());
    }
    Err(format!("it is {}, not {}", found.name(), T::type_info().name()))
}

macro_rules! native_column {
    ($($type:ty),*) => { $(
        impl Column for $type {
            fn read(cell: Cell<'_>) -> Result<Self, String> {
                cell.decode()
            }
        }
    )* };
}

native_column!(bool, i64, f64, String, Vec<u8>);

macro_rules! wrapped_column {
    ($($type:ident($inner:ty)),*) => { $(
        impl Column for $type {
            fn read(cell: Cell<'_>) -> Result<Self, String> {
                <$inner>::read(cell).map($type)
            }
        }
    )* };
}

wrapped_column!(
    Timestamp(i64),
    WorkspaceId(i64),
    SourceId(i64),
    PersonId(i64),
    Handle(i64),
    AccountId(i64),
    Id(String)
);

macro_rules! narrow_column {
    ($($type:ty),*) => { $(
        impl Column for $type {
            fn read(cell: Cell<'_>) -> Result<Self, String> {
                Self::try_from(i64::read(cell)?).map_err(|_| "out of range".into())
            }
        }
    )* };
}

narrow_column!(i32, u32, u16, u8);

impl<T: Column> Column for Option<T> {
    fn read(cell: Cell<'_>) -> Result<Self, String> {
        if cell.is_null() { Ok(None) } else { T::read(cell).map(Some) }
    }
}

impl<T: serde::de::DeserializeOwned> Column for Json<T> {
    fn read(cell: Cell<'_>) -> Result<Self, String> {
        cell.decode::<sqlx::types::Json<T>>().map(|json| Self(json.0))
    }
}

impl Column for serde_json::Value {
    fn read(cell: Cell<'_>) -> Result<Self, String> {
        Json::read(cell).map(|json| json.0)
    }
}

impl<const N: usize> Column for [u8; N] {
    fn read(cell: Cell<'_>) -> Result<Self, String> {
        Vec::read(cell)?.try_into().map_err(|_| format!("it has not {N} bytes"))
    }
}

macro_rules! tuple_record {
    ($($type:ident $position:tt),*) => {
        impl<$($type: Column),*> Record for ($($type,)*) {
            fn from_row(row: &Row) -> Result<Self> {
                Ok(($(row.at::<$type>($position)?,)*))
            }
        }
    };
}

tuple_record!(A 0);
tuple_record!(A 0, B 1);
tuple_record!(A 0, B 1, C 2);
tuple_record!(A 0, B 1, C 2, D 3);
tuple_record!(A 0, B 1, C 2, D 3, E 4);
tuple_record!(A 0, B 1, C 2, D 3, E 4, F 5);
tuple_record!(A 0, B 1, C 2, D 3, E 4, F 5, G 6);
tuple_record!(A 0, B 1, C 2, D 3, E 4, F 5, G 6, H 7);
