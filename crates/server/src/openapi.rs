//! The OpenAPI document, made from the handlers, and the permissions that it declares.
//!
//! Always holds: each operation below `/api/v1` declares `security(("caller" = ["<permission>"]))`; the guard enforces what the
//! document says. In the published document that one entry reads as its two ways: a session or an API key.

use axum::http::Method;
use utoipa::OpenApi;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityRequirement, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;

use crate::app::App;
use crate::auth::Permission;
use crate::auth::guard::Routes;
use crate::problem::{self, ProblemBody};

/// The word by which handlers declare a permission.
const CALLER: &str = "caller";

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Rapport",
        description = "Customers, their behaviour, and questions about both. Events come in by Segment's HTTP contract \
                       (`POST /v1/batch`), which is not described here. Errors are `application/problem+json`.",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    components(schemas(ProblemBody))
)]
struct Document;

/// The routes of the API together with their document.
pub fn described(api: OpenApiRouter<App>) -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Document::openapi()).merge(api)
}

/// The finished document as JSON.
pub fn document() -> String {
    finish(described(crate::api::router()).into_openapi())
}

/// Adds what is the same for all operations, and writes the document.
pub fn finish(mut document: utoipa::openapi::OpenApi) -> String {
    let components = document.components.get_or_insert_default();
    let cookie = ApiKey::Cookie(ApiKeyValue::new(crate::auth::sessions::COOKIE));
    components.add_security_scheme("session", SecurityScheme::ApiKey(cookie));
    components.add_security_scheme("api_key", SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)));
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations(item) {
            operation.operation_id = Some(operation_id(&method, path));
            let Some(permission) = permission_of(operation) else { continue };
            operation.security = Some(vec![
                SecurityRequirement::new("session", [permission.as_str()]),
                SecurityRequirement::new("api_key", [permission.as_str()]),
            ]);
            let error = utoipa::openapi::ResponseBuilder::new()
                .description("What went wrong, and what to do about it.")
                .content(
                    problem::MEDIA_TYPE,
                    utoipa::openapi::Content::new(Some(utoipa::openapi::Ref::from_schema_name("Problem"))),
                )
                .build();
            operation.responses.responses.insert("default".to_owned(), error.into());
        }
    }
    document.to_pretty_json().unwrap_or_default()
}

/// A name that is unique in the document, made of what is: `get_customers_person_id_timeline`.
fn operation_id(method: &Method, path: &str) -> String {
    let words =
        path.trim_start_matches("/api/v1").split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    std::iter::once(method.as_str().to_ascii_lowercase()).chain(words.map(str::to_owned)).collect::<Vec<_>>().join("_")
}

/// The permission of each route.
pub fn permissions(document: &utoipa::openapi::OpenApi) -> Routes {
    let mut routes = Routes::new();
    for (path, item) in &document.paths.paths {
        for (method, operation) in operations(&mut item.clone()) {
            if let Some(permission) = permission_of(operation) {
                routes.insert((method, path.clone()), permission);
            }
        }
    }
    routes
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, item.get.as_mut()),
        (Method::PUT, item.put.as_mut()),
        (Method::POST, item.post.as_mut()),
        (Method::DELETE, item.delete.as_mut()),
        (Method::PATCH, item.patch.as_mut()),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation?)))
}

/// The permission an operation declares. utoipa keeps requirements private, so their JSON is read.
fn permission_of(operation: &Operation) -> Option<Permission> {
    let declared = serde_json::to_value(operation.security.as_ref()?).ok()?;
    let word = declared.as_array()?.iter().find_map(|requirement| requirement.get(CALLER)?.get(0)?.as_str())?;
    Permission::parse(word)
}
