//! The templates of all kinds, read once at the start.

use super::facts::{GREETING, SHOP, of_kind};
use super::template::{BadTemplate, Facts, Missing, Rendered, Template};
use contract::notifications::NotificationKind;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Why the templates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadLetters {
    /// One is wrong.
    #[error("the template {name}: {error}")]
    Template {
        /// Its file, or its name when it is built in.
        name: String,
        /// What is wrong with it.
        error: BadTemplate,
    },
    /// The folder of the settings is none.
    #[error("notifications.templates_dir is not a folder: {}", .0.display())]
    NoFolder(PathBuf),
    /// A file cannot be read.
    #[error("the template {} cannot be read: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
}

/// The templates of all kinds.
#[derive(Debug)]
pub struct Letters {
    shop: String,
    templates: HashMap<NotificationKind, Template>,
}

/// The name of a kind's template and of its mail, and the template that is built in.
const fn built_in(kind: NotificationKind) -> (&'static str, &'static str) {
    macro_rules! template {
        ($name:literal) => {
            ($name, include_str!(concat!("../../templates/", $name, ".txt")))
        };
    }
    match kind {
        NotificationKind::Welcome => template!("welcome"),
        NotificationKind::OrderConfirmed => template!("order_confirmed"),
        NotificationKind::OrderShipped => template!("order_shipped"),
        NotificationKind::OrderCancelled => template!("order_cancelled"),
        NotificationKind::OrderFailed => template!("order_failed"),
        NotificationKind::OrderRefunded => template!("order_refunded"),
        NotificationKind::PaymentReceipt => template!("payment_receipt"),
        NotificationKind::LowStock => template!("low_stock"),
        NotificationKind::EventSubmitted => template!("event_submitted"),
        NotificationKind::EventApproved => template!("event_approved"),
        NotificationKind::EventRejected => template!("event_rejected"),
    }
}

/// The name of a kind's template and of its mail.
#[must_use]
pub const fn name(kind: NotificationKind) -> &'static str {
    built_in(kind).0
}

impl Letters {
    /// The templates: those in the folder, where there are some, else those built in.
    ///
    /// # Errors
    /// See [`BadLetters`].
    pub fn read(shop: &str, folder: Option<&Path>) -> Result<Self, BadLetters> {
        if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
            return Err(BadLetters::NoFolder(folder.to_owned()));
        }
        let all = NotificationKind::ALL.iter();
        let templates = all.map(|kind| Ok((*kind, template(*kind, folder)?))).collect::<Result<_, _>>()?;
        Ok(Self { shop: shop.to_owned(), templates })
    }

    /// Writes a message to somebody of this name.
    ///
    /// # Errors
    /// [`Missing`] when the facts lack something that the template wants.
    pub fn write(
        &self,
        kind: NotificationKind,
        name: Option<&str>,
        mut facts: Facts,
    ) -> Result<Rendered, Missing> {
        let greeting = name.map_or_else(|| "Hello,".to_owned(), |name| format!("Hello {name},"));
        facts.insert(GREETING.to_owned(), greeting.replace(char::is_control, " "));
        facts.insert(SHOP.to_owned(), self.shop.clone());
        let template = self.templates.get(&kind).ok_or_else(|| Missing(kind.to_string()))?;
        template.render(&facts)
    }
}

fn template(kind: NotificationKind, folder: Option<&Path>) -> Result<Template, BadLetters> {
    let (name, built_in) = built_in(kind);
    let known: Vec<&str> = [GREETING, SHOP].into_iter().chain(of_kind(kind).iter().copied()).collect();
    let read = |name: String, source: &str| {
        Template::parse(source, &known).map_err(|error| BadLetters::Template { name, error })
    };
    let Some(path) = folder.map(|folder| folder.join(format!("{name}.txt"))) else {
        return read(name.to_owned(), built_in);
    };
    match std::fs::read_to_string(&path) {
        Ok(source) => read(path.display().to_string(), &source),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => read(name.to_owned(), built_in),
        Err(error) => Err(BadLetters::Unreadable { path, error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::Folder;

    fn facts(kind: NotificationKind) -> Facts {
        of_kind(kind).iter().map(|name| ((*name).to_owned(), format!("<{name}>"))).collect()
    }

    #[test]
    fn every_built_in_template_is_whole_and_says_all_that_there_is_to_say() {
        let letters = Letters::read("The Shop", None).unwrap();
        for kind in NotificationKind::ALL {
            let letter = letters.write(*kind, Some("Ada"), facts(*kind)).unwrap();
            assert!(letter.text.starts_with("Hello Ada,\n"), "{kind}");
            assert!(!letter.subject.is_empty() && !letter.text.contains("{{"), "{kind}");
            for fact in of_kind(*kind) {
                assert!(letter.text.contains(&format!("<{fact}>")), "{kind} says nothing of {fact}");
            }
        }
    }

    #[test]
    fn a_template_of_the_operator_takes_the_place_of_the_one_built_in() {
        let folder = Folder::new("templates").unwrap();
        std::fs::write(
            folder.path().join("order_shipped.txt"),
            "Subject: {{number}}\n\nGone with {{carrier}}.",
        )
        .unwrap();
        let letters = Letters::read("The Shop", Some(folder.path())).unwrap();
        let kind = NotificationKind::OrderShipped;
        assert_eq!(letters.write(kind, None, facts(kind)).unwrap().text, "Gone with <carrier>.");
        let other = NotificationKind::Welcome;
        assert!(letters.write(other, None, facts(other)).unwrap().text.starts_with("Hello,\n"));
    }

    #[test]
    fn a_template_with_a_placeholder_that_nobody_fills_stops_the_start() {
        let folder = Folder::new("templates").unwrap();
        std::fs::write(folder.path().join("welcome.txt"), "Subject: Hi\n\n{{password}}").unwrap();
        let error = Letters::read("The Shop", Some(folder.path())).unwrap_err().to_string();
        let nowhere = Letters::read("The Shop", Some(&folder.path().join("nowhere")));
        assert!(matches!(nowhere, Err(BadLetters::NoFolder(_))), "{nowhere:?}");
        assert!(error.contains("welcome.txt: line 3 has the placeholder {{password}}"), "{error}");
    }

    #[test]
    fn a_name_cannot_add_lines() {
        let letters = Letters::read("The Shop", None).unwrap();
        let kind = NotificationKind::Welcome;
        let letter = letters.write(kind, Some("Ada\n\nYou have won"), facts(kind)).unwrap();
        assert!(letter.text.starts_with("Hello Ada  You have won,\n"));
    }
}
