//! A profile as it is kept, and what of it others see.

use chassis::clock::Ts;
use contract::auth::{self, PublicProfile, UpdateProfile, UserStatus};
use contract::ids::UserId;

/// A profile, with what the account says. Who has said nothing has an empty one that nobody else sees.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Whose it is.
    pub user: UserId,
    /// The address of the account.
    pub email: String,
    /// What others see, of the account.
    pub display_name: Option<String>,
    /// Whether the account is in use.
    pub status: UserStatus,
    /// When the account last changed.
    pub account_updated_at: Ts,
    /// A few sentences.
    pub bio: Option<String>,
    /// Where they are.
    pub location: Option<String>,
    /// A page of theirs.
    pub website: Option<String>,
    /// Language and region.
    pub locale: Option<String>,
    /// Time zone.
    pub time_zone: Option<String>,
    /// Whether others see it at all.
    pub is_public: bool,
    /// Whether they also see the address.
    pub show_email: bool,
    /// Whether they also see the location.
    pub show_location: bool,
    /// Which picture is the current one.
    pub avatar_tag: Option<String>,
    /// The number of changes to it; 0 for who has said nothing.
    pub version: i64,
    /// When it last changed; that of the account for who has said nothing.
    pub updated_at: Ts,
}

impl Profile {
    /// What it is after a change. The name is the account's to keep.
    #[must_use]
    pub fn changed(&self, change: UpdateProfile) -> Self {
        let UpdateProfile { display_name, bio, location, website, locale, time_zone, .. } = change;
        let UpdateProfile { is_public, show_email, show_location, .. } = change;
        let text = |new: Option<Option<String>>, old: &Option<String>| match new {
            Some(new) => new.map(|new| new.trim().to_owned()),
            None => old.clone(),
        };
        Self {
            display_name: text(display_name, &self.display_name),
            bio: text(bio, &self.bio),
            location: text(location, &self.location),
            website: text(website, &self.website),
            locale: text(locale, &self.locale),
            time_zone: text(time_zone, &self.time_zone),
            is_public: is_public.unwrap_or(self.is_public),
            show_email: show_email.unwrap_or(self.show_email),
            show_location: show_location.unwrap_or(self.show_location),
            ..self.clone()
        }
    }

    /// The version for `ETag` and `If-Match`: it changes with the profile and with the account.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("{}-{}", self.version, self.account_updated_at.micros())
    }

    /// Where its picture is.
    fn avatar(&self) -> Option<String> {
        self.avatar_tag.as_ref().map(|_| format!("/api/v1/profiles/{}/avatar", self.user))
    }

    /// What its owner sees.
    #[must_use]
    pub fn own(self) -> auth::Profile {
        let avatar = self.avatar();
        auth::Profile {
            user: self.user,
            display_name: self.display_name,
            bio: self.bio,
            location: self.location,
            website: self.website,
            locale: self.locale,
            time_zone: self.time_zone,
            is_public: self.is_public,
            show_email: self.show_email,
            show_location: self.show_location,
            email: self.email,
            avatar,
            updated_at: self.updated_at.max(self.account_updated_at).to_datetime(),
        }
    }

    /// Whether somebody sees it at all: everybody a public one of an account in use, and its owner in any case.
    #[must_use]
    pub fn is_seen_by(&self, who: Option<UserId>) -> bool {
        (self.is_public && self.status == UserStatus::Active) || who == Some(self.user)
    }

    /// What others see of it, whoever asks.
    #[must_use]
    pub fn shown(self) -> PublicProfile {
        let avatar = self.avatar();
        PublicProfile {
            user: self.user,
            display_name: self.display_name,
            bio: self.bio,
            location: self.location.filter(|_| self.show_location),
            website: self.website,
            email: Some(self.email).filter(|_| self.show_email),
            avatar,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile() -> Profile {
        Profile {
            user: UserId::new(),
            email: "ada@example.org".to_owned(),
            display_name: Some("Ada".to_owned()),
            status: UserStatus::Active,
            account_updated_at: Ts::from_secs(1),
            bio: None,
            location: Some("London".to_owned()),
            website: None,
            locale: Some("en-GB".to_owned()),
            time_zone: Some("Europe/London".to_owned()),
            is_public: true,
            show_email: false,
            show_location: false,
            avatar_tag: None,
            version: 1,
            updated_at: Ts::from_secs(2),
        }
    }

    #[test]
    fn what_is_hidden_is_not_shown() {
        let shown = profile().shown();
        assert_eq!((shown.location, shown.email), (None, None));
        let open = Profile { show_email: true, show_location: true, ..profile() }.shown();
        assert_eq!(
            (open.location.as_deref(), open.email.as_deref()),
            (Some("London"), Some("ada@example.org"))
        );
    }

    #[test]
    fn language_and_time_zone_are_never_shown() {
        let all = Profile { show_email: true, show_location: true, ..profile() };
        let text = serde_json::to_string(&all.shown()).unwrap();
        assert!(!text.contains("en-GB") && !text.contains("Europe/London"), "{text}");
    }

    #[test]
    fn a_private_one_and_one_of_a_shut_account_are_its_owners_alone() {
        let (public, stranger) = (profile(), UserId::new());
        let private = Profile { is_public: false, ..public.clone() };
        let shut = Profile { status: UserStatus::Disabled, ..public.clone() };
        assert!(public.is_seen_by(None) && public.is_seen_by(Some(stranger)));
        for hidden in [private, shut] {
            assert!(!hidden.is_seen_by(None) && !hidden.is_seen_by(Some(stranger)));
            assert!(hidden.is_seen_by(Some(hidden.user)));
        }
    }
}
