//! Passwords: which ones are accepted, and how they are kept.
//!
//! A new password needs 8 to 128 characters and must not be easily guessed, as zxcvbn estimates it with the person's
//! own name and address among the guesses. There is no rule about kinds of characters (NIST SP 800-63B, 5.1.1.2).
//!
//! It is kept as Argon2id (RFC 9106) in PHC text. Hashes of bcrypt from an older system verify too and are replaced at
//! the next login, as are Argon2id hashes of other costs. Hashing takes tens of milliseconds on purpose: call it from
//! [`crate::hasher::Hasher`] and never from an async thread.

use argon2::password_hash::phc;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use contract::auth::Password;
use std::fmt;
use zxcvbn::Score;

/// zxcvbn's score of a password at least: more than 10^8 guesses.
const MIN_SCORE: Score = Score::Three;
/// Characters that the estimate looks at; its time grows with the square of them.
const ESTIMATED_CHARS: usize = 64;

/// Why a password is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too few characters.
    #[error("shorter than {} characters", Password::MIN_CHARS)]
    Short,
    /// Too many characters.
    #[error("longer than {} characters", Password::MAX_CHARS)]
    Long,
    /// Among the first that somebody would try.
    #[error("too easy to guess. {0}")]
    Guessable(String),
}

/// Whether a password may be set. `about` is what an attacker knows of the person: address, name.
///
/// # Errors
/// [`Weak`] says why not, in words for the person.
pub fn check(password: &Password, about: &[&str]) -> Result<(), Weak> {
    let chars = password.expose().chars().count();
    if chars < Password::MIN_CHARS {
        return Err(Weak::Short);
    }
    if chars > Password::MAX_CHARS {
        return Err(Weak::Long);
    }
    let beginning: String = password.expose().chars().take(ESTIMATED_CHARS).collect();
    let estimate = zxcvbn::zxcvbn(&beginning, about);
    if estimate.score() >= MIN_SCORE {
        return Ok(());
    }
    let warning = estimate.feedback().and_then(zxcvbn::feedback::Feedback::warning);
    let hint = warning.map_or_else(|| "Add another word or two.".to_owned(), |warning| warning.to_string());
    Err(Weak::Guessable(hint))
}

const SALT_BYTES: usize = 16;
const OUTPUT_BYTES: usize = 32;
/// More than 32 MiB, in Argon2's blocks of 1 KiB.
const MAPPED_BLOCKS: usize = 33 * 1_024;

/// What a hash costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over the memory.
    pub passes: u32,
}

impl Cost {
    /// The cost that OWASP's cheat sheet asks for at least: 19 MiB, two passes, one lane.
    pub const RECOMMENDED: Self = Self { memory_kib: 19_456, passes: 2 };

    fn argon2(self) -> Result<Argon2<'static>, HashingFailed> {
        let params = Params::new(self.memory_kib, self.passes, 1, None).map_err(|e| failed(&e))?;
        Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
    }
}

/// The hash could not be made or read: a defect or lack of memory, never a wrong password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("password hashing failed: {0}")]
pub struct HashingFailed(String);

fn failed(error: &dyn fmt::Display) -> HashingFailed {
    HashingFailed(error.to_string())
}

/// A password as it is kept: PHC text of Argon2id, or bcrypt's from an older system.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

/// What a verification found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Another password.
    Mismatch,
    /// The password.
    Match {
        /// The hash is of an older kind or cost and is to be replaced now that the password is at hand.
        outdated: bool,
    },
}

impl PasswordHash {
    /// Takes in what was kept.
    #[must_use]
    pub const fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// What is kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Hashes a password with a new salt. Slow.
    ///
    /// # Errors
    /// [`HashingFailed`] when the system has no randomness or the cost is out of range.
    pub fn new(password: &Password, cost: Cost) -> Result<Self, HashingFailed> {
        let mut salt = [0_u8; SALT_BYTES];
        aws_lc_rs::rand::fill(&mut salt).map_err(|e| failed(&e))?;
        let mut output = [0_u8; OUTPUT_BYTES];
        fill(&cost.argon2()?, password, &salt, &mut output)?;
        Ok(Self::phc(cost, &salt, &output))
    }

    fn phc(Cost { memory_kib, passes }: Cost, salt: &[u8], output: &[u8]) -> Self {
        let (salt, output) = (STANDARD_NO_PAD.encode(salt), STANDARD_NO_PAD.encode(output));
        Self(format!("$argon2id$v=19$m={memory_kib},t={passes},p=1${salt}${output}"))
    }

    /// A hash of this cost that no password has: random bytes in the place of salt and output. Verifying against it
    /// takes as long as against a real one; making it takes no time and none of the memory that hashing needs.
    ///
    /// # Errors
    /// [`HashingFailed`] when the system has no randomness.
    pub fn decoy(cost: Cost) -> Result<Self, HashingFailed> {
        let mut random = [0_u8; SALT_BYTES + OUTPUT_BYTES];
        aws_lc_rs::rand::fill(&mut random).map_err(|e| failed(&e))?;
        let (salt, output) = random.split_at(SALT_BYTES);
        Ok(Self::phc(cost, salt, output))
    }

    /// Compares a password with this hash, in constant time. Slow.
    ///
    /// # Errors
    /// [`HashingFailed`] when the kept text is not a hash.
    pub fn verify(&self, password: &Password, cost: Cost) -> Result<Verdict, HashingFailed> {
        if self.is_bcrypt() {
            let matches = bcrypt::verify(password.expose(), &self.0).map_err(|e| failed(&e))?;
            return Ok(if matches { Verdict::Match { outdated: true } } else { Verdict::Mismatch });
        }
        let kept = phc::PasswordHash::new(&self.0).map_err(|e| failed(&e))?;
        let (Some(salt), Some(expected)) = (&kept.salt, &kept.hash) else {
            return Err(failed(&"it has no salt or no output"));
        };
        let algorithm = Algorithm::try_from(kept.algorithm.as_str()).map_err(|e| failed(&e))?;
        let version = kept.version.map_or(Ok(Version::V0x13), Version::try_from).map_err(|e| failed(&e))?;
        let params = Params::try_from(&kept).map_err(|e| failed(&e))?;
        let mut output = vec![0; expected.len()];
        fill(&Argon2::new(algorithm, version, params), password, salt, &mut output)?;
        Ok(match verify_slices_are_equal(&output, expected.as_ref()) {
            Ok(()) => Verdict::Match { outdated: is_outdated(&kept, cost) },
            Err(_) => Verdict::Mismatch,
        })
    }

    fn is_bcrypt(&self) -> bool {
        ["$2a$", "$2b$", "$2x$", "$2y$"].iter().any(|prefix| self.0.starts_with(prefix))
    }
}

/// Runs Argon2 in memory that goes back to the system afterwards.
///
/// The C library keeps freed blocks of up to 32 MiB for the next one who asks, for each thread that ever asked; what is
/// larger it maps and unmaps. So room for more than that is asked for, of which only what the cost says is ever touched.
fn fill(
    argon2: &Argon2<'_>,
    password: &Password,
    salt: &[u8],
    output: &mut [u8],
) -> Result<(), HashingFailed> {
    let blocks = argon2.params().block_count();
    let mut memory = Vec::with_capacity(blocks.max(MAPPED_BLOCKS));
    memory.resize(blocks, Block::default());
    let password = password.expose().as_bytes();
    argon2.hash_password_into_with_memory(password, salt, output, &mut memory).map_err(|e| failed(&e))
}

fn is_outdated(kept: &phc::PasswordHash, cost: Cost) -> bool {
    let Ok(params) = Params::try_from(kept) else { return true };
    let now = (cost.memory_kib, cost.passes, 1);
    kept.algorithm.as_str() != "argon2id" || (params.m_cost(), params.t_cost(), params.p_cost()) != now
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Cost = Cost { memory_kib: 64, passes: 1 };

    fn password(text: &str) -> Password {
        Password::new(text)
    }

    #[test]
    fn passwords_that_everybody_tries_first_are_refused() {
        for text in
            ["password", "Password1!", "qwertyuiop", "12345678", "letmein123", "aaaaaaaaaa", "iloveyou99"]
        {
            assert!(matches!(check(&password(text), &[]), Err(Weak::Guessable(_))), "{text}");
        }
    }

    #[test]
    fn a_password_made_of_the_persons_own_name_is_refused() {
        let text = password("zorblattquimby");
        assert_eq!(check(&text, &[]), Ok(()));
        assert!(check(&text, &["zorblatt", "quimby"]).is_err());
    }

    #[test]
    fn a_few_words_are_enough_and_no_kind_of_character_is_demanded() {
        assert_eq!(check(&password("violet tram under snow"), &[]), Ok(()));
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert_eq!(check(&password("zq9!kx"), &[]), Err(Weak::Short));
        assert_eq!(check(&password(&"zq9!kx".repeat(22)), &[]), Err(Weak::Long));
    }

    #[test]
    fn the_refusal_never_repeats_the_password() {
        let refusal = check(&password("password"), &[]).unwrap_err().to_string();
        assert!(!refusal.contains("\"password\""), "{refusal}");
    }

    #[test]
    fn only_the_same_password_verifies() {
        let hash = PasswordHash::new(&password("violet tram"), CHEAP).unwrap();
        assert_eq!(hash.verify(&password("violet tram"), CHEAP), Ok(Verdict::Match { outdated: false }));
        assert_eq!(hash.verify(&password("violet tran"), CHEAP), Ok(Verdict::Mismatch));
    }

    #[test]
    fn the_same_password_has_another_hash_each_time() {
        let make = || PasswordHash::new(&password("violet tram"), CHEAP).unwrap();
        assert_ne!(make(), make());
    }

    #[test]
    fn a_bcrypt_hash_verifies_and_is_to_be_replaced() {
        let hash = PasswordHash::from_stored(bcrypt::hash("violet tram", 4).unwrap());
        assert_eq!(hash.verify(&password("violet tram"), CHEAP), Ok(Verdict::Match { outdated: true }));
        assert_eq!(hash.verify(&password("violet tran"), CHEAP), Ok(Verdict::Mismatch));
    }

    #[test]
    fn a_hash_of_another_cost_is_to_be_replaced() {
        let hash = PasswordHash::new(&password("violet tram"), CHEAP).unwrap();
        let dearer = Cost { memory_kib: 128, passes: 1 };
        assert_eq!(hash.verify(&password("violet tram"), dearer), Ok(Verdict::Match { outdated: true }));
    }

    #[test]
    fn the_recommended_cost_is_what_owasp_asks_for() {
        let hash = PasswordHash::new(&password("violet tram"), Cost::RECOMMENDED).unwrap();
        assert!(hash.as_str().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    }

    /// Algorithm, version and cost, and the lengths of salt and output.
    fn shape(hash: &PasswordHash) -> (String, Vec<usize>) {
        let parts: Vec<&str> = hash.as_str().split('$').collect();
        (parts[..4].join("$"), parts[4..].iter().map(|part| part.len()).collect())
    }

    #[test]
    fn a_decoy_looks_like_a_hash_of_the_cost_and_no_password_matches_it() {
        let decoy = PasswordHash::decoy(CHEAP).unwrap();
        assert_eq!(shape(&decoy), shape(&PasswordHash::new(&password("violet tram"), CHEAP).unwrap()));
        assert_eq!(decoy.verify(&password("violet tram"), CHEAP), Ok(Verdict::Mismatch));
        assert_ne!(decoy, PasswordHash::decoy(CHEAP).unwrap());
    }

    #[test]
    fn a_kept_text_that_is_no_hash_is_a_defect_and_not_a_wrong_password() {
        let hash = PasswordHash::from_stored("plaintext".to_owned());
        assert!(hash.verify(&password("plaintext"), CHEAP).is_err());
    }
}
