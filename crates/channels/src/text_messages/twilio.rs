//! Twilio's Messages resource (`POST /2010-04-01/Accounts/{sid}/Messages.json`), its status callbacks and its signature.
//!
//! Always holds: the account's token is never shown. Twilio knows no idempotency for messages, so that a message whose answer was lost is [`Outcome::Unsure`].

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rapport_domain::Channel;
use reqwest::Url;
use ring::hmac;

use super::{Report, State, TextMessage, unanswered, wish};
use crate::callback::Callback;
use crate::outbound::{self, Answer, Client};
use crate::redaction::redacted;
use crate::{Error, Outcome, Refusal, RefusalKind};

/// As many fields as are read from a request.
const MOST_FIELDS: usize = 200;

/// An account with Twilio.
pub struct Twilio {
    base: Url,
    account: String,
    token: String,
    sender: String,
}

impl std::fmt::Debug for Twilio {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Twilio({})", self.account)
    }
}

impl Twilio {
    /// `base` is `https://api.twilio.com`, or another server with the same interface; `sender` a number, a name, or a messaging service (`MG...`).
    ///
    /// # Errors
    /// [`Error::Settings`], [`Error::Url`].
    pub fn new(base: &str, account: &str, token: &str, sender: &str) -> Result<Self, Error> {
        let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if !plain(account) {
            return Err(Error::settings("account", "it is no account SID such as AC0123..."));
        }
        if token.is_empty() || sender.trim().is_empty() {
            return Err(Error::settings("sender", "the token and the sender are needed"));
        }
        let base = outbound::checked(base)?;
        Ok(Self { base, account: account.to_owned(), token: token.to_owned(), sender: sender.trim().to_owned() })
    }

    pub(super) async fn send(&self, client: &Client, message: &TextMessage) -> Outcome {
        let mut url = self.base.clone();
        url.set_path(&format!("/2010-04-01/Accounts/{}/Messages.json", self.account));
        let form = self.form(message);
        let login = format!("Basic {}", BASE64_STANDARD.encode(format!("{}:{}", self.account, self.token)));
        let headers = [("content-type", "application/x-www-form-urlencoded"), ("authorization", &*login)];
        match client.post(&url, &headers, form.into_bytes()).await {
            Ok(answer) => outcome(&answer, &message.to),
            Err(error) => unanswered(&error),
        }
    }

    fn form(&self, message: &TextMessage) -> String {
        let on = |number: &str| match message.channel {
            Channel::Whatsapp => format!("whatsapp:{number}"),
            _ => number.to_owned(),
        };
        let mut form = Form::default();
        form.push("To", &on(&message.to));
        if self.sender.starts_with("MG") && self.sender.len() == 34 {
            form.push("MessagingServiceSid", &self.sender);
        } else {
            form.push("From", &on(&self.sender));
        }
        match &message.template {
            Some(template) => {
                form.push("ContentSid", &template.id);
                form.push("ContentVariables", &serde_json::json!(template.variables).to_string());
            }
            None => form.push("Body", &message.text),
        }
        if let Some(callback) = &message.callback {
            form.push("StatusCallback", callback);
        }
        form.0
    }

    pub(super) fn reports(&self, callback: Callback<'_>) -> Result<Vec<Report>, Error> {
        let fields = fields(callback.body)?;
        let signature = BASE64_STANDARD.decode(callback.header("x-twilio-signature")?).map_err(|_| Error::Signature)?;
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, self.token.as_bytes());
        hmac::verify(&key, signed(callback.url, &fields).as_bytes(), &signature).map_err(|_| Error::Signature)?;
        let get = |name: &str| fields.iter().find(|(found, _)| found == name).map_or("", |(_, value)| value.as_str());
        let id = [get("MessageSid"), get("SmsSid")].into_iter().find(|id| !id.is_empty());
        let id = id.ok_or(Error::Unreadable("it names no message"))?.to_owned();
        if let Some(state) = state(get("MessageStatus")).filter(|_| !fields.iter().any(|(name, _)| name == "Body")) {
            let code = get("ErrorCode").parse().ok().filter(|code| *code != 0);
            let refusal = (state == State::Failed).then(|| refusal(0, code, get("ErrorMessage"), get("To")));
            return Ok(vec![Report::Status { id, state, refusal }]);
        }
        let number = |text: &str| text.trim_start_matches("whatsapp:").to_owned();
        let channel = if get("From").starts_with("whatsapp:") { Channel::Whatsapp } else { Channel::Sms };
        let text = get("Body").to_owned();
        // Twilio says what it made of the words; a keyword of its own settings is known only to it.
        let wish = match get("OptOutType") {
            "STOP" => Some(super::Wish::Stop),
            "START" => Some(super::Wish::Start),
            "HELP" => Some(super::Wish::Help),
            _ => wish(&text),
        };
        if get("From").is_empty() {
            return Err(Error::Unreadable("it is neither a status nor a message"));
        }
        Ok(vec![Report::Inbound { id, channel, from: number(get("From")), to: number(get("To")), text, wish }])
    }
}

/// What is signed: the address, then each field's name and value, sorted by name, a repeated pair once (twilio.com/docs/usage/security).
fn signed(url: &str, fields: &[(String, String)]) -> String {
    let mut sorted: Vec<&(String, String)> = fields.iter().collect();
    sorted.sort();
    sorted.dedup();
    let mut text = url.to_owned();
    for (name, value) in sorted {
        text.push_str(name);
        text.push_str(value);
    }
    text
}

fn state(word: &str) -> Option<State> {
    match word {
        "accepted" | "scheduled" | "queued" | "sending" => Some(State::Queued),
        "sent" => Some(State::Sent),
        "delivered" => Some(State::Delivered),
        "read" => Some(State::Read),
        "failed" | "undelivered" | "canceled" => Some(State::Failed),
        _ => None,
    }
}

fn outcome(answer: &Answer, to: &str) -> Outcome {
    let json: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    if (200..300).contains(&answer.status) {
        let response = redacted(json["status"].as_str().unwrap_or("accepted"), to);
        return Outcome::Accepted { id: json["sid"].as_str().map(str::to_owned), response };
    }
    let code = json["code"].as_u64().and_then(|code| u32::try_from(code).ok());
    let mut refusal = refusal(answer.status, code, json["message"].as_str().unwrap_or_default(), to);
    refusal.retry_after = answer.retry_after();
    Outcome::Refused(refusal)
}

fn refusal(status: u16, code: Option<u32>, said: &str, to: &str) -> Refusal {
    Refusal {
        kind: kind(status, code),
        code: code.or((status != 0).then_some(u32::from(status))),
        enhanced: None,
        text: redacted(said, to),
        retry_after: None,
    }
}

/// Twilio's error codes (twilio.com/docs/api/errors).
fn kind(status: u16, code: Option<u32>) -> RefusalKind {
    match code {
        // The recipient wrote STOP to this sender.
        Some(21610) => RefusalKind::Unsubscribed,
        // No number, no mobile number, no such handset, not on WhatsApp; 21612 and 21408: not reachable from this sender.
        Some(21211 | 21214 | 21217 | 21219 | 21612 | 21614 | 30005 | 30006 | 63003 | 63024) => RefusalKind::Recipient,
        // Too long, empty, no media, a template that WhatsApp does not know, or outside its 24 hours.
        Some(21602 | 21605 | 21617 | 21619 | 21623 | 30019 | 63005 | 63013 | 63016 | 63027) => RefusalKind::Message,
        // The carrier's filter, the recipient's block list, Meta's limits on marketing.
        Some(30004 | 30007 | 63032 | 63049 | 63051) => RefusalKind::Policy,
        // Sign-in, account, sender, country switched off.
        Some(20003 | 20005 | 21212 | 21408 | 21603 | 21606 | 21607 | 21608 | 21611 | 21659 | 30002 | 63007 | 63020) => {
            // 21611: the sender's queue is full; that passes.
            if code == Some(21611) { RefusalKind::Temporary } else { RefusalKind::Sender }
        }
        // Rate, queue, handset off, network, unknown: they pass.
        Some(20429 | 14107 | 30001 | 30003 | 30008 | 30017 | 30022 | 63018) => RefusalKind::Temporary,
        _ => match status {
            429 | 500.. | 0 | 408 | 425 => RefusalKind::Temporary,
            401 | 403 | 404 => RefusalKind::Sender,
            _ => RefusalKind::Message,
        },
    }
}

/// A form as it is sent.
#[derive(Default)]
struct Form(String);

impl Form {
    fn push(&mut self, name: &str, value: &str) {
        if !self.0.is_empty() {
            self.0.push('&');
        }
        self.0.push_str(name);
        self.0.push('=');
        for byte in value.bytes() {
            match byte {
                b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'*' => self.0.push(char::from(byte)),
                b' ' => self.0.push('+'),
                other => self.0.push_str(&format!("%{other:02X}")),
            }
        }
    }
}

/// A form as it comes (WHATWG URL, section 5.1).
fn fields(body: &[u8]) -> Result<Vec<(String, String)>, Error> {
    let text = std::str::from_utf8(body).map_err(|_| Error::Unreadable("it is no form"))?;
    let mut url = Url::parse("http://form/").map_err(|_| Error::Unreadable("it is no form"))?;
    url.set_query(Some(text));
    let fields: Vec<(String, String)> =
        url.query_pairs().take(MOST_FIELDS).map(|(name, value)| (name.into(), value.into())).collect();
    Ok(fields)
}
