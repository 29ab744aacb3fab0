//! Where a member asks for a link to their own page: `/member-link/{door}`. They say their e-mail address, and the link goes there if it is a member's.
//!
//! Always holds: the answer is the same, and given before anything is looked up, whoever's address it is and whether it is anybody's; nothing is sent to an address that is not known already.
//!
//! Does not: let anybody in; the mail does.

use askama::Template;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use rapport_domain::WorkspaceId;

use super::complaint_words::wants_chinese;
use super::sign_in::read_form;
use super::{foreign_form, is_own_form, page, see_other};
use crate::api::complaints::is_address;
use crate::app::App;
use crate::http::form::parameter;
use crate::http::peer::From;
use crate::problem::{Problem, Result};
use crate::records::workspaces;
use crate::{member_links, own_data};

/// So often an hour from one network address.
const MOST_AN_HOUR: u32 = 12;

/// The words of one language.
pub struct Words {
    /// BCP 47 tag.
    pub tag: &'static str,
    /// The other language: its tag, and its own name.
    pub other: (&'static str, &'static str),
    /// A heading.
    pub title: &'static str,
    /// Below it.
    pub hint: &'static str,
    /// Beside the field.
    pub email: &'static str,
    /// A button.
    pub send: &'static str,
    /// When it was sent.
    pub sent: &'static str,
    /// Below it.
    pub sent_hint: &'static str,
    /// When what was written is no address.
    pub mistyped: &'static str,
    /// A refusal.
    pub too_often: &'static str,
    /// Where nothing can be sent.
    pub closed: &'static str,
    /// Where there is no such page.
    pub gone: &'static str,
    subject: &'static str,
    text: &'static str,
}

const ENGLISH: Words = Words {
    tag: "en",
    other: ("zh", "中文"),
    title: "A link to your points",
    hint: "Tell us the e-mail address under which we know you. We send you a link to your own page.",
    email: "E-mail address",
    send: "Send me the link",
    sent: "Look into your mail",
    sent_hint: "If the address is that of a member, a link is on its way. It works for an hour. If nothing comes within ten minutes, look at the address, or open your account in our shop.",
    mistyped: "That is no e-mail address. Look at it again.",
    too_often: "That was tried too often from here. Try again in an hour, please.",
    closed: "Links cannot be sent by mail at the moment. Open your account in our shop instead.",
    gone: "This page is not there any more",
    subject: "Your page at {company}",
    text: "Somebody, you we hope, asked for a link to your points at {company}.\n\nOpen your page here. The link works for an hour; do not pass it on, because whoever has it can spend your points:\n\n{url}\n\nIf it was not you, do nothing: nobody has seen anything.\n",
};

const CHINESE: Words = Words {
    tag: "zh",
    other: ("en", "English"),
    title: "获取积分页面链接",
    hint: "请填写您在我们这里使用的电子邮箱，我们会将您的页面链接发送给您。",
    email: "电子邮箱",
    send: "发送链接",
    sent: "请查看您的邮箱",
    sent_hint: "如果该邮箱属于某位会员，链接已在途中，一小时内有效。若十分钟内未收到，请核对邮箱，或在商店中打开您的账户。",
    mistyped: "这不是有效的电子邮箱，请核对。",
    too_often: "此处尝试过于频繁，请一小时后再试。",
    closed: "目前无法通过邮件发送链接，请在商店中打开您的账户。",
    gone: "此页面已不存在",
    subject: "您在 {company} 的页面",
    text: "有人（希望是您本人）申请了您在 {company} 的积分页面链接。\n\n请打开以下页面。链接一小时内有效，请勿转发，持有链接的人可以使用您的积分：\n\n{url}\n\n如果不是您本人，请忽略此邮件：没有人看到任何内容。\n",
};

impl Words {
    fn of(headers: &HeaderMap, chosen: Option<&str>) -> &'static Self {
        if wants_chinese(headers, chosen) { &CHINESE } else { &ENGLISH }
    }

    /// Those of a language.
    pub fn tagged(tag: &str) -> &'static Self {
        if tag == CHINESE.tag { &CHINESE } else { &ENGLISH }
    }

    /// Subject and text of the mail with the link.
    pub fn mail(&self, company: &str, url: &str) -> (String, String) {
        // The address last: a company may be called anything.
        let fill = |text: &str| text.replacen("{company}", company, 1);
        let (before, after) = self.text.split_once("{url}").unwrap_or_default();
        (fill(self.subject), format!("{}{url}{after}", fill(before)))
    }
}

#[derive(Template)]
#[template(path = "member_door.html")]
struct Door<'a> {
    words: &'static Words,
    company: &'a str,
    action: String,
    other: String,
    email: &'a str,
    stage: Stage,
    message: Option<&'static str>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    Open,
    Sent,
    Closed,
    Gone,
}

struct Asked<'a> {
    app: &'a App,
    workspace: WorkspaceId,
    door: &'a str,
    words: &'static Words,
}

impl Asked<'_> {
    fn address(&self, tag: &str) -> String {
        format!("{}?lang={tag}", member_links::door_path(self.door))
    }

    async fn page(&self, status: StatusCode, stage: Stage, told: (&str, Option<&'static str>)) -> Result<Response> {
        let found = workspaces::find(&mut self.app.installation.store.read(), self.workspace).await?;
        let template = Door {
            words: self.words,
            company: &found.map(|row| row.name).unwrap_or_default(),
            action: self.address(self.words.tag),
            other: self.address(self.words.other.0),
            email: told.0,
            stage,
            message: told.1,
        };
        Ok(page(status, &template))
    }

    /// Whether mails with links can go out here at all; it says nothing of any member.
    async fn is_open(&self) -> Result<bool> {
        own_data::mails_go_out(&self.app.sender, self.workspace).await.map_err(Problem::internal)
    }
}

fn gone(words: &'static Words) -> Response {
    let template = Door {
        words,
        company: "",
        action: String::new(),
        other: String::new(),
        email: "",
        stage: Stage::Gone,
        message: None,
    };
    page(StatusCode::NOT_FOUND, &template)
}

/// `GET /member-link/{door}`.
pub async fn show(
    State(app): State<App>,
    Path(door): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let query = query.unwrap_or_default();
    let words = Words::of(&headers, parameter(&query, "lang").as_deref());
    let shown = async {
        let Some(workspace) = member_links::behind_door(&app.installation, &door).await? else {
            return Ok(gone(words));
        };
        let asked = Asked { app: &app, workspace, door: &door, words };
        let is_sent = parameter(&query, "sent").is_some();
        let stage = if is_sent {
            Stage::Sent
        } else if asked.is_open().await? {
            Stage::Open
        } else {
            Stage::Closed
        };
        asked.page(StatusCode::OK, stage, ("", None)).await
    };
    shown.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

/// `POST /member-link/{door}`: has a link sent, if the address is a member's.
pub async fn ask(
    State(app): State<App>,
    Path(door): Path<String>,
    RawQuery(query): RawQuery,
    from: From,
    headers: HeaderMap,
    sent: Body,
) -> Response {
    let words = Words::of(&headers, parameter(query.as_deref().unwrap_or_default(), "lang").as_deref());
    let done = async {
        if !is_own_form(&headers) {
            return Err(foreign_form());
        }
        let form = read_form(&app, sent).await?;
        let Some(workspace) = member_links::behind_door(&app.installation, &door).await? else {
            return Ok(gone(words));
        };
        let asked = Asked { app: &app, workspace, door: &door, words };
        let email = parameter(&form, "email").unwrap_or_default().trim().to_lowercase();
        if app.throttle.count("member-link", from.0, MOST_AN_HOUR, app.now()).is_err() {
            let told = (email.as_str(), Some(words.too_often));
            return asked.page(StatusCode::TOO_MANY_REQUESTS, Stage::Open, told).await;
        }
        if !is_address(&email) {
            let told = (email.as_str(), Some(words.mistyped));
            return asked.page(StatusCode::UNPROCESSABLE_ENTITY, Stage::Open, told).await;
        }
        if !asked.is_open().await? {
            return asked.page(StatusCode::CONFLICT, Stage::Closed, ("", None)).await;
        }
        let sender = std::sync::Arc::clone(&app.sender);
        // Beside the answer, so that nobody can tell by the time that it takes whose address there is.
        tokio::spawn(async move {
            if let Err(error) = own_data::ask_for_page(&sender, workspace, &email, words.tag).await {
                tracing::warn!(error = %format!("{error:#}"), "a link to a member's page could not be sent; they can ask again");
            }
        });
        Ok(see_other(&format!("{}&sent=yes", asked.address(words.tag)), None))
    };
    done.await.unwrap_or_else(|problem: Problem| problem.into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_has_its_link_whatever_the_company_is_called() {
        for words in [&ENGLISH, &CHINESE] {
            let (subject, text) = words.mail("{url} & Sons", "https://a.example/member/x");
            assert!(subject.contains("{url} & Sons") && text.matches("https://a.example/member/x").count() == 1);
            assert!(!text.contains("{company}") && text.contains("{url} & Sons"));
            assert_eq!(Words::tagged(words.tag).title, words.title);
        }
    }
}
