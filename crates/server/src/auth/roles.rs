//! What each role, and each scope of an API key, may do: one table.
//!
//! Always holds: what the table does not name is forbidden.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A role of a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// May do everything.
    Owner,
    /// Everything but make owners.
    Admin,
    /// Asks, imports, saves.
    Analyst,
    /// Serves customers.
    Agent,
    /// Looks.
    Viewer,
}

/// A scope of an API key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Reads customers and answers.
    Read,
    /// Changes data.
    Write,
    /// Manages sources, keys and users.
    Admin,
    /// Tells what members earn and burn at one partner of the loyalty programme: the one whose document names the key.
    Partner,
    /// Serves members at a till, and nothing else.
    Till,
}

/// What can be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Anyone who is known: who am I, is data coming in.
    Enter,
    /// Answers to questions, figures, the catalog of events.
    ViewReports,
    /// Profiles, timelines, lists of people.
    ViewPeople,
    /// Saved questions.
    EditQuestions,
    /// Segments.
    EditSegments,
    /// Templates of messages and the letterhead.
    EditContent,
    /// Journeys and campaigns: who is written to.
    EditJourneys,
    /// Who messages come from, caps, quiet hours.
    ManageSending,
    /// Experiments, flags and holdouts: making, changing, starting and ending them.
    EditExperiments,
    /// Models of customers: settings, fits, which version scores.
    EditModels,
    /// The loyalty programme and its rules.
    EditLoyalty,
    /// Enrol members, block them, and post to the points ledger.
    PostPoints,
    /// Redeem rewards for members, say that they were delivered, check and use codes.
    ServeMembers,
    /// Tell what members earn and burn at partners.
    TellPartners,
    /// Find a member by card or number at a till, tell receipts, redeem against them.
    UseTill,
    /// Undo and redo evidence of identity.
    EditIdentity,
    /// Say what a customer agreed to or refused.
    EditConsents,
    /// Decide about what people wrote in public, answer them, and look after what they said.
    AnswerFeedback,
    /// Who did what: the audit log.
    ViewAudit,
    /// Topics and notices, access, erasure, restriction of customers.
    ManagePrivacy,
    /// Sources, their live events and rejects, imports.
    ViewData,
    /// Imports.
    ImportData,
    /// Sources and write keys.
    ManageSources,
    /// API keys.
    ManageApiKeys,
    /// The list of users.
    ViewUsers,
    /// Users and their roles.
    ManageUsers,
    /// Name, zone, currency of the workspace.
    ManageWorkspace,
}

use Permission as P;
use Role as R;
use Scope as S;

/// Permission, roles that have it, scopes that have it.
const MATRIX: &[(Permission, &[Role], &[Scope])] = &[
    (P::Enter, &[R::Owner, R::Admin, R::Analyst, R::Agent, R::Viewer], &[S::Read, S::Write, S::Admin, S::Till]),
    (P::ViewReports, &[R::Owner, R::Admin, R::Analyst, R::Agent, R::Viewer], &[S::Read]),
    (P::ViewPeople, &[R::Owner, R::Admin, R::Analyst, R::Agent, R::Viewer], &[S::Read]),
    (P::EditQuestions, &[R::Owner, R::Admin, R::Analyst], &[S::Write]),
    (P::EditSegments, &[R::Owner, R::Admin, R::Analyst], &[S::Write]),
    (P::EditContent, &[R::Owner, R::Admin, R::Analyst], &[S::Write]),
    (P::EditJourneys, &[R::Owner, R::Admin, R::Analyst], &[S::Write]),
    (P::ManageSending, &[R::Owner, R::Admin], &[S::Admin]),
    (P::EditExperiments, &[R::Owner, R::Admin, R::Analyst], &[S::Write]),
    (P::EditModels, &[R::Owner, R::Admin, R::Analyst], &[S::Write]),
    (P::EditLoyalty, &[R::Owner, R::Admin, R::Analyst], &[S::Write]),
    (P::PostPoints, &[R::Owner, R::Admin], &[S::Write]),
    (P::ServeMembers, &[R::Owner, R::Admin, R::Agent], &[S::Write]),
    (P::TellPartners, &[R::Owner, R::Admin, R::Agent], &[S::Write, S::Partner]),
    (P::UseTill, &[R::Owner, R::Admin, R::Agent], &[S::Write, S::Till]),
    (P::EditIdentity, &[R::Owner, R::Admin, R::Analyst, R::Agent], &[S::Write]),
    (P::EditConsents, &[R::Owner, R::Admin, R::Analyst, R::Agent], &[S::Write]),
    (P::AnswerFeedback, &[R::Owner, R::Admin, R::Analyst, R::Agent], &[S::Write]),
    (P::ManagePrivacy, &[R::Owner, R::Admin], &[S::Admin]),
    (P::ViewAudit, &[R::Owner, R::Admin], &[S::Admin]),
    (P::ViewData, &[R::Owner, R::Admin, R::Analyst], &[S::Read]),
    (P::ImportData, &[R::Owner, R::Admin, R::Analyst], &[S::Write]),
    (P::ManageSources, &[R::Owner, R::Admin], &[S::Admin]),
    (P::ManageApiKeys, &[R::Owner, R::Admin], &[S::Admin]),
    (P::ViewUsers, &[R::Owner, R::Admin], &[S::Admin]),
    (P::ManageUsers, &[R::Owner, R::Admin], &[S::Admin]),
    (P::ManageWorkspace, &[R::Owner, R::Admin], &[S::Admin]),
];

impl Permission {
    /// All permissions.
    pub fn all() -> impl Iterator<Item = Self> {
        MATRIX.iter().map(|(permission, ..)| *permission)
    }

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::ViewReports => "view_reports",
            Self::ViewPeople => "view_people",
            Self::EditQuestions => "edit_questions",
            Self::EditSegments => "edit_segments",
            Self::EditContent => "edit_content",
            Self::EditJourneys => "edit_journeys",
            Self::ManageSending => "manage_sending",
            Self::EditExperiments => "edit_experiments",
            Self::EditModels => "edit_models",
            Self::EditLoyalty => "edit_loyalty",
            Self::PostPoints => "post_points",
            Self::ServeMembers => "serve_members",
            Self::TellPartners => "tell_partners",
            Self::UseTill => "use_till",
            Self::EditIdentity => "edit_identity",
            Self::EditConsents => "edit_consents",
            Self::AnswerFeedback => "answer_feedback",
            Self::ManagePrivacy => "manage_privacy",
            Self::ViewAudit => "view_audit",
            Self::ViewData => "view_data",
            Self::ImportData => "import_data",
            Self::ManageSources => "manage_sources",
            Self::ManageApiKeys => "manage_api_keys",
            Self::ViewUsers => "view_users",
            Self::ManageUsers => "manage_users",
            Self::ManageWorkspace => "manage_workspace",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::all().find(|permission| permission.as_str() == word)
    }

    fn row(self) -> (&'static [Role], &'static [Scope]) {
        let row = MATRIX.iter().find(|(permission, ..)| *permission == self);
        row.map_or((&[], &[]), |(_, roles, scopes)| (roles, scopes))
    }
}

impl Role {
    /// All roles, the mightiest first.
    pub const ALL: [Self; 5] = [Self::Owner, Self::Admin, Self::Analyst, Self::Agent, Self::Viewer];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Analyst => "analyst",
            Self::Agent => "agent",
            Self::Viewer => "viewer",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == word)
    }

    /// Whether users with this role may do it.
    pub fn allows(self, permission: Permission) -> bool {
        permission.row().0.contains(&self)
    }

    /// Whether a user with this role may give `other` to someone, or take it: nobody makes or touches a mightier one.
    pub const fn may_grant(self, other: Self) -> bool {
        matches!((self, other), (Self::Owner, _))
            || matches!((self, other), (Self::Admin, Self::Admin | Self::Analyst | Self::Agent | Self::Viewer))
    }
}

impl Scope {
    const ALL: [Self; 5] = [Self::Read, Self::Write, Self::Admin, Self::Partner, Self::Till];

    /// The stable word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
            Self::Partner => "partner",
            Self::Till => "till",
        }
    }

    /// Reads the stable word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == word)
    }

    /// Reads words separated by blanks; unknown ones give nothing.
    pub fn parse_list(words: &str) -> Vec<Self> {
        words.split_whitespace().filter_map(Self::parse).collect()
    }

    /// Words separated by blanks.
    pub fn list(scopes: &[Self]) -> String {
        let words: Vec<&str> =
            Self::ALL.iter().filter(|scope| scopes.contains(scope)).map(|scope| scope.as_str()).collect();
        words.join(" ")
    }

    /// Whether keys with this scope may do it.
    pub fn allows(self, permission: Permission) -> bool {
        permission.row().1.contains(&self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_whole() {
        for permission in Permission::all() {
            assert_eq!(Permission::parse(permission.as_str()), Some(permission));
            assert!(Role::Owner.allows(permission), "an owner may do everything");
            assert!(!permission.row().1.is_empty(), "some key can do {permission:?}");
        }
        let viewer: Vec<Permission> = Permission::all().filter(|p| Role::Viewer.allows(*p)).collect();
        assert_eq!(viewer, [P::Enter, P::ViewReports, P::ViewPeople], "a viewer changes nothing");
        assert!(!Role::Admin.may_grant(Role::Owner) && Role::Owner.may_grant(Role::Owner));
        assert!(!Role::Analyst.may_grant(Role::Viewer));
        assert_eq!(Scope::list(&Scope::parse_list("admin nonsense read")), "read admin");
    }
}
