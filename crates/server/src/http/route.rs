//! How routes take their handlers: all as one type.
//!
//! Always holds: every route's handler goes through [`handler`]. axum builds its stack of services for each type of handler, and each layer
//! of it asks of the handler's whole future, with all that it waits for, whether it may move between threads. With hundreds of handlers
//! that was two thirds of the time it took to compile this crate; with one type it is asked once a handler.

use std::sync::Arc;

use axum::extract::Request;
use axum::handler::Handler;
use axum::response::Response;
use futures::future::BoxFuture;

use crate::app::App;

/// A handler of any route; what it answers is told by calling it.
#[derive(Clone)]
pub struct AnyHandler(Arc<dyn Fn(Request, App) -> BoxFuture<'static, Response> + Send + Sync>);

/// A function that answers requests, as the type that all of them have.
pub fn handler<H: Handler<T, App>, T: 'static>(handler: H) -> AnyHandler {
    AnyHandler(Arc::new(move |request, app| Box::pin(handler.clone().call(request, app))))
}

/// Its marker says by which rule axum calls it: by this one, which is ours.
impl Handler<AnyHandler, App> for AnyHandler {
    type Future = BoxFuture<'static, Response>;

    fn call(self, request: Request, app: App) -> Self::Future {
        (self.0)(request, app)
    }
}

/// [`utoipa_axum::routes`], with every handler as one type: several methods of one path, and what is written of them.
macro_rules! routes {
    ($($handler:path),+ $(,)?) => {{
        use utoipa_axum::PathItemExt as _;
        let mut paths = utoipa::openapi::path::Paths::new();
        let mut schemas = Vec::new();
        let mut methods = axum::routing::MethodRouter::new();
        $(
            let (path, item, types) = utoipa_axum::routes!(@resolve_types $handler : schemas);
            for method in &types {
                methods = methods.on(method.to_method_filter(), $crate::http::route::handler($handler));
            }
            paths.add_path_operation(&path, types, item);
        )+
        (schemas, paths, methods)
    }};
}
pub(crate) use routes;
