//! JSON Schema of the parts of questions and answers that have a form of their own, for the API's description.
//!
//! Does not describe conditions: their tree has a document of its own.

use rapport_domain::Interval;
use utoipa::openapi::schema::{AdditionalProperties, OneOfBuilder, Type};
use utoipa::openapi::{ObjectBuilder, RefOr, Schema};

/// A word for a length of time.
pub(crate) fn interval() -> Schema {
    use Interval::{Day, Hour, Month, Quarter, Week, Year};
    let words = [Hour, Day, Week, Month, Quarter, Year].map(|interval| serde_json::json!(interval));
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words)).into()
}

/// A text (a decimal one for money), a number, or nothing.
pub(crate) fn cell() -> RefOr<Schema> {
    let of = |kind| Schema::from(ObjectBuilder::new().schema_type(kind).build());
    let cell = OneOfBuilder::new().item(of(Type::String)).item(of(Type::Number)).item(of(Type::Null));
    RefOr::T(cell.description(Some("A text, a decimal text of money, a time, a number, or nothing.")).into())
}

/// A condition tree.
pub(crate) fn condition() -> Schema {
    ObjectBuilder::new()
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
        .description(Some("A condition, as the guide Ask describes it."))
        .into()
}

/// When: `{"last": "30d"}`, `{"from": ..., "to": ...}` or `{"all": true}`.
pub(crate) fn period() -> Schema {
    let text = || ObjectBuilder::new().schema_type(Type::String);
    ObjectBuilder::new()
        .property("last", text().description(Some("A number and s, m, h, d or w.")))
        .property("from", text().description(Some("A day or an instant.")))
        .property("to", text().description(Some("A day, which is included, or an instant, which is not.")))
        .property("all", ObjectBuilder::new().schema_type(Type::Boolean))
        .into()
}
