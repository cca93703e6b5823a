//! How a section of the configuration is declared: once, as a struct with documented defaults.

use super::{Mode, Problems, SectionReader, Value};

/// A section of the configuration, made by [`settings!`](macro@crate::settings).
pub trait Settings: Validate + Default {
    /// The doc comment of the struct.
    fn about() -> &'static str;

    /// Every setting of the section, in the order of its declaration.
    fn fields() -> Vec<Field>;

    /// Reads the section. A setting that cannot be read is recorded in the reader and keeps its default, so that the
    /// rest of the configuration is checked too.
    fn read(reader: &mut SectionReader<'_>) -> Self;

    /// The title of the section in the reference: the first line of its doc comment.
    fn title() -> &'static str {
        Self::about().trim().lines().next().unwrap_or_default().trim().trim_end_matches('.')
    }
}

/// What a section demands of its values beyond their types. Every section has to think about it, so there is no default.
pub trait Validate {
    /// Adds each value that cannot work to `problems`, by the field's own name, without the section.
    ///
    /// A message says what is wrong and what is allowed, never the value of a secret.
    fn validate(&self, mode: Mode, problems: &mut Problems);
}

/// One declared setting.
#[derive(Clone, Debug)]
pub struct Field {
    /// The name inside its section.
    pub name: String,
    /// What it is for, on one line.
    pub doc: String,
    /// What may be written, in words.
    pub kind: String,
    /// The default, as TOML; `""` when there is none.
    pub default: String,
    /// The familiar variable, such as `PORT`, that sets it in addition to the one of the naming rule.
    pub familiar: Option<&'static str>,
    /// Whether its value is never shown.
    pub secret: bool,
}

impl Field {
    /// Describes a field of type `T`; `doc` is its doc comment.
    pub fn of<T: Value>(name: &str, doc: &str, default: &T, familiar: Option<&'static str>) -> Self {
        Self {
            name: name.trim_start_matches("r#").to_owned(),
            doc: one_line(doc),
            kind: T::kind(),
            default: default.render(),
            familiar,
            secret: T::SECRET,
        }
    }
}

/// A doc comment as one line of prose.
pub(super) fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Declares a section of the configuration: a struct whose fields have a doc, a type, a default and, where people know
/// one, a familiar variable.
///
/// Makes the struct (`Clone`, `Debug`, `Default`) and its [`Settings`]. The type of a field is a
/// [`Value`]; [`Validate`] is written by hand.
///
/// ```
/// use chassis::config::{Mode, Problems, Validate, settings};
///
/// settings! {
///     /// The public listener.
///     pub struct HttpConfig {
///         /// Port of the public listener; 0 takes a free one.
///         port: u16 = 8080, env "PORT";
///         /// Origins that a browser may call from.
///         allowed_origins: Vec<String> = Vec::new(), env "ALLOWED_ORIGINS";
///     }
/// }
///
/// impl Validate for HttpConfig {
///     fn validate(&self, _mode: Mode, problems: &mut Problems) {
///         if self.port == 1 {
///             problems.add("port", "must be 0 or above 1");
///         }
///     }
/// }
/// ```
#[macro_export]
macro_rules! settings {
    (
        $(#[doc = $about:literal])*
        $vis:vis struct $name:ident {
            $(
                $(#[doc = $doc:literal])*
                $field:ident : $type:ty = $default:expr $(, env $familiar:literal)?;
            )*
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Debug)]
        $vis struct $name {
            $( $(#[doc = $doc])* $vis $field: $type, )*
        }

        impl ::core::default::Default for $name {
            fn default() -> Self {
                Self { $( $field: $default, )* }
            }
        }

        impl $crate::config::Settings for $name {
            fn about() -> &'static str {
                ::core::concat!($($about, "\n",)*)
            }

            fn fields() -> ::std::vec::Vec<$crate::config::Field> {
                let defaults = <Self as ::core::default::Default>::default();
                ::std::vec![$(
                    $crate::config::Field::of(
                        ::core::stringify!($field),
                        ::core::concat!($($doc, "\n",)*),
                        &defaults.$field,
                        { let familiar: &[&'static str] = &[$($familiar)?]; familiar.first().copied() },
                    ),
                )*]
            }

            fn read(reader: &mut $crate::config::SectionReader<'_>) -> Self {
                let defaults = <Self as ::core::default::Default>::default();
                Self { $( $field: reader.value(::core::stringify!($field), defaults.$field), )* }
            }
        }
    };
}

/// Declares a closed choice for a setting: an enum whose variants are written as the given texts.
///
/// Makes the enum (`Clone`, `Copy`, `Debug`, `PartialEq`, `Eq`), `as_str`, `ALL`, `Display` and
/// [`Value`]. Upper and lower case are the same when it is read.
///
/// ```
/// chassis::config::setting_enum! {
///     /// How log lines look.
///     pub enum LogFormat { Auto = "auto", Pretty = "pretty", Json = "json" }
/// }
/// assert_eq!(LogFormat::Json.to_string(), "json");
/// ```
#[macro_export]
macro_rules! setting_enum {
    (
        $(#[doc = $about:literal])*
        $vis:vis enum $name:ident {
            $(#[doc = $first_doc:literal])*
            $first:ident = $first_text:literal
            $(, $(#[doc = $doc:literal])* $variant:ident = $text:literal)* $(,)?
        }
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        $vis enum $name {
            $(#[doc = $first_doc])*
            #[doc = ::core::concat!("\nWritten `", $first_text, "`.")]
            $first,
            $(
                $(#[doc = $doc])*
                #[doc = ::core::concat!("\nWritten `", $text, "`.")]
                $variant,
            )*
        }

        impl $name {
            /// Every choice.
            $vis const ALL: &[Self] = &[Self::$first $(, Self::$variant)*];

            /// The choice as it is written in the configuration.
            $vis const fn as_str(self) -> &'static str {
                match self {
                    Self::$first => $first_text,
                    $( Self::$variant => $text, )*
                }
            }
        }

        impl ::core::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                formatter.write_str(self.as_str())
            }
        }

        impl $crate::config::Value for $name {
            const KIND: &'static str = ::core::concat!("one of ", $first_text $(, ", ", $text)*);

            fn parse(raw: &$crate::config::Raw) -> ::core::result::Result<Self, ::std::string::String> {
                let place = raw.choice(&[$first_text $(, $text)*])?;
                ::core::result::Result::Ok(Self::ALL[place])
            }

            fn render(&self) -> ::std::string::String {
                ::std::format!("\"{}\"", self.as_str())
            }
        }
    };
}
