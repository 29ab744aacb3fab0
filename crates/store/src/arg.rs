//! Values going into a statement: [`Arg`], its list [`Args`] and the macro [`args!`](crate::args).
//!
//! Always holds: every value knows its SQL type even when it is null, because PostgreSQL asks.

use rapport_domain::{AccountId, Handle, Id, PersonId, SourceId, Timestamp, WorkspaceId};

use crate::Json;

/// One value bound to `$n`.
#[derive(Clone, Debug, PartialEq)]
pub enum Arg {
    /// A boolean.
    Bool(Option<bool>),
    /// A 64-bit integer: `BIGINT`.
    Int(Option<i64>),
    /// A double.
    Float(Option<f64>),
    /// A text without NUL.
    Text(Option<String>),
    /// Bytes.
    Bytes(Option<Vec<u8>>),
    /// JSON: text in SQLite, `JSONB` in PostgreSQL.
    Json(Option<String>),
    /// A list of integers for `IN ($n)` or `NOT IN ($n)`; may be empty and of any length.
    Ints(Vec<i64>),
    /// A list of texts for `IN ($n)` or `NOT IN ($n)`; may be empty and of any length.
    Texts(Vec<String>),
    /// A list of bytes for `IN ($n)` or `NOT IN ($n)`; may be empty and of any length.
    Blobs(Vec<Vec<u8>>),
}

/// The values of one statement, in the order of `$1`, `$2` ...
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Args(pub Vec<Arg>);

impl<const N: usize> From<[Arg; N]> for Args {
    fn from(args: [Arg; N]) -> Self {
        Self(args.into())
    }
}

/// Lists the values of a statement: `args![workspace, "text", Some(3_i64), now]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { $crate::Args(vec![$($crate::Arg::from($value)),*]) };
}

/// `From<T>`, `From<&T>` and `From<Option<T>>` for a type whose value goes into one variant of [`Arg`].
macro_rules! argument {
    ($($type:ty => $variant:ident, |$value:ident| $convert:expr;)*) => { $(
        impl From<$type> for Arg {
            fn from($value: $type) -> Self {
                Self::$variant(Some($convert))
            }
        }
        impl From<Option<$type>> for Arg {
            fn from(value: Option<$type>) -> Self {
                Self::$variant(value.map(|$value| $convert))
            }
        }
    )* };
}

argument! {
    bool => Bool, |value| value;
    i64 => Int, |value| value;
    i32 => Int, |value| i64::from(value);
    u32 => Int, |value| i64::from(value);
    u16 => Int, |value| i64::from(value);
    u8 => Int, |value| i64::from(value);
    f64 => Float, |value| value;
    &str => Text, |value| value.to_owned();
    String => Text, |value| value;
    &String => Text, |value| value.clone();
    Vec<u8> => Bytes, |value| value;
    &[u8] => Bytes, |value| value.to_owned();
    Timestamp => Int, |value| value.0;
    WorkspaceId => Int, |value| value.0;
    SourceId => Int, |value| value.0;
    PersonId => Int, |value| value.0;
    Handle => Int, |value| value.0;
    AccountId => Int, |value| value.0;
    Id => Text, |value| value.0;
    &Id => Text, |value| value.0.clone();
    serde_json::Value => Json, |value| value.to_string();
    &serde_json::Value => Json, |value| value.to_string();
}

impl<const N: usize> From<[u8; N]> for Arg {
    fn from(value: [u8; N]) -> Self {
        Self::Bytes(Some(value.to_vec()))
    }
}

impl<const N: usize> From<&[[u8; N]]> for Arg {
    fn from(list: &[[u8; N]]) -> Self {
        Self::Blobs(list.iter().map(|value| value.to_vec()).collect())
    }
}

impl<T: serde::Serialize> From<Json<T>> for Arg {
    fn from(value: Json<T>) -> Self {
        let text = serde_json::to_string(&value.0).expect("our own types have string keys and no failing serializers");
        Self::Json(Some(text))
    }
}

impl<T: serde::Serialize> From<Option<Json<T>>> for Arg {
    fn from(value: Option<Json<T>>) -> Self {
        value.map_or(Self::Json(None), Self::from)
    }
}

macro_rules! integer_list {
    ($($type:ty => |$value:ident| $convert:expr;)*) => { $(
        impl From<&[$type]> for Arg {
            fn from(list: &[$type]) -> Self {
                Self::Ints(list.iter().map(|$value| $convert).collect())
            }
        }
        impl From<&Vec<$type>> for Arg {
            fn from(list: &Vec<$type>) -> Self {
                Self::from(list.as_slice())
            }
        }
    )* };
}

integer_list! {
    i64 => |value| *value;
    PersonId => |value| value.0;
    Handle => |value| value.0;
    SourceId => |value| value.0;
    AccountId => |value| value.0;
}

macro_rules! text_list {
    ($($type:ty => |$value:ident| $convert:expr;)*) => { $(
        impl From<&[$type]> for Arg {
            fn from(list: &[$type]) -> Self {
                Self::Texts(list.iter().map(|$value| $convert).collect())
            }
        }
        impl From<&Vec<$type>> for Arg {
            fn from(list: &Vec<$type>) -> Self {
                Self::from(list.as_slice())
            }
        }
    )* };
}

text_list! {
    String => |value| value.clone();
    &str => |value| (*value).to_owned();
    Id => |value| value.0.clone();
}
