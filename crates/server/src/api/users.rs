//! Users of the console, their roles, and the links by which they sign in first.
//!
//! Always holds: nobody gives or takes a role mightier than their own; at least one owner can sign in.

use crate::http::route::routes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use rapport_domain::Id;
use rapport_store::{Priority, Tx};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use utoipa_axum::router::OpenApiRouter;

use super::wire;
use crate::app::App;
use crate::auth::issue::{self, Doors};
use crate::auth::{Caller, Role};
use crate::http::extract::{Json, Path};
use crate::http::paging::Rows;
use crate::problem::{Problem, Result};
use crate::records::users::{self, UserRow};
use crate::records::{sessions, sign_in_links};

/// The routes of this module.
pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(list, invite)).routes(routes!(change)).routes(routes!(link))
}

/// A user.
#[derive(Debug, Serialize, ToSchema)]
pub struct User {
    /// Its id.
    pub id: String,
    /// What people call them.
    pub name: String,
    /// Their address.
    pub email: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may not sign in.
    pub disabled: bool,
    /// About when they were last here.
    #[schema(format = DateTime)]
    pub last_seen_at: Option<String>,
}

/// A user who was just invited.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitedUser {
    /// The user.
    #[serde(flatten)]
    pub user: User,
    /// Signs them in once; give it to them.
    pub sign_in_link: String,
}

/// Whom to invite.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Invitation {
    email: String,
    name: String,
    role: Role,
}

/// What may change; what is absent stays.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserChange {
    role: Option<Role>,
    disabled: Option<bool>,
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub struct SignInLink {
    /// Signs the user in once.
    pub sign_in_link: String,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.0,
            name: row.name,
            email: row.email,
            role: Role::parse(&row.role).unwrap_or(Role::Viewer),
            disabled: row.disabled,
            last_seen_at: wire::optional_time(row.last_seen_at),
        }
    }
}

/// All users of the workspace.
#[utoipa::path(get, path = "/api/v1/users", tag = "workspace", security(("caller" = ["view_users"])),
    responses((status = 200, body = Rows<User>)))]
async fn list(State(app): State<App>, caller: Caller) -> Result<Json<Rows<User>>> {
    let rows = users::all(&mut app.installation.store.read(), caller.workspace).await?;
    Ok(Json(Rows { rows: rows.into_iter().map(User::from).collect() }))
}

/// Make a user, and a link by which they sign in and choose a password.
#[utoipa::path(post, path = "/api/v1/users", tag = "workspace", security(("caller" = ["manage_users"])),
    request_body = Invitation, responses((status = 201, body = InvitedUser)))]
async fn invite(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(invitation): Json<Invitation>,
) -> Result<(StatusCode, Json<InvitedUser>)> {
    let Invitation { email, name, role } = invitation;
    check_grant(&caller, role)?;
    let name = wire::name("name", &name)?;
    let email = check_email(&email)?;
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let doors = Doors::of(&app.installation.store);
    let made = issue::user(&mut tx, doors, caller.workspace, &email, &name, role, None).await;
    let user = made.map_err(|error| match error.is_unique_violation() {
        true => Problem::conflict(
            "email_taken",
            "A user with this e-mail address exists.",
            "Change that user's role instead.",
        ),
        false => error.into(),
    })?;
    let sign_in_link = new_link(&app, &mut tx, &user.id, &headers).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(InvitedUser { user: user.into(), sign_in_link })))
}

/// Change a user's role, or whether they may sign in.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "workspace", security(("caller" = ["manage_users"])),
    params(("id" = String, Path)), request_body = UserChange, responses((status = 200, body = User)))]
async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(id): Path<String>,
    Json(change): Json<UserChange>,
) -> Result<Json<User>> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let mut row = touchable(&caller, &mut tx, &Id(id)).await?;
    if let Some(role) = change.role {
        check_grant(&caller, role)?;
        role.as_str().clone_into(&mut row.role);
    }
    row.disabled = change.disabled.unwrap_or(row.disabled);
    users::set_access(&mut tx, &row.id, &row.role, row.disabled).await?;
    if row.disabled {
        sessions::delete_of_user(&mut tx, &row.id).await?;
        sign_in_links::delete_of_user(&mut tx, &row.id).await?;
    }
    let all = users::all(&mut tx, caller.workspace).await?;
    if !all.iter().any(|user| user.role == Role::Owner.as_str() && !user.disabled) {
        return Err(Problem::conflict(
            "last_owner",
            "The workspace would have no owner.",
            "Make someone else an owner first.",
        ));
    }
    tx.commit().await?;
    Ok(Json(row.into()))
}

/// Make a new one-time sign-in link for a user.
#[utoipa::path(post, path = "/api/v1/users/{id}/sign-in-link", tag = "workspace", security(("caller" = ["manage_users"])),
    params(("id" = String, Path)), responses((status = 201, body = SignInLink)))]
async fn link(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Result<(StatusCode, Json<SignInLink>)> {
    let mut tx = app.installation.store.begin(Priority::Interactive).await?;
    let row = touchable(&caller, &mut tx, &Id(id)).await?;
    let sign_in_link = new_link(&app, &mut tx, &row.id, &headers).await?;
    tx.commit().await?;
    Ok((StatusCode::CREATED, Json(SignInLink { sign_in_link })))
}

/// A user of this workspace who is not mightier than the caller.
async fn touchable(caller: &Caller, tx: &mut Tx, id: &Id) -> Result<UserRow> {
    let row = users::by_id(tx, id).await?.filter(|row| row.workspace == caller.workspace);
    let row = row.ok_or_else(|| Problem::not_found("user"))?;
    check_grant(caller, Role::parse(&row.role).unwrap_or(Role::Owner))?;
    Ok(row)
}

/// Keys with the scope `admin` act as an admin.
fn check_grant(caller: &Caller, role: Role) -> Result<()> {
    if caller.role().unwrap_or(Role::Admin).may_grant(role) {
        return Ok(());
    }
    let detail = format!("Only an owner manages users with the role {}.", role.as_str());
    Err(Problem::forbidden("not_allowed", detail, "Ask an owner to do it."))
}

async fn new_link(app: &App, tx: &mut Tx, user: &Id, headers: &HeaderMap) -> Result<String> {
    let doors = Doors::of(&app.installation.store);
    let path = issue::sign_in_link(tx, doors, user, app.settings.session.link_minutes).await?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    Ok(format!("{}{path}&next=/password", app.public_url(host)))
}

/// An address that can be one: something on both sides of one `@`.
pub fn check_email(text: &str) -> Result<String> {
    let text = text.trim();
    let plausible = text.len() <= 254
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && domain.contains('.') && !domain.contains('@'));
    if plausible {
        Ok(text.to_owned())
    } else {
        Err(Problem::invalid("email", "is an address such as ann@example.org"))
    }
}
