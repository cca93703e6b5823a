//! Cuts a text into passages that are short enough to be given to a model and long enough to make sense alone.
//!
//! What must hold, and is tested by properties:
//!
//! - a passage is a piece of the text as it stands, cut between characters;
//! - nothing that is not space is lost, and the passages stand in the order of the text;
//! - no passage is longer than [`LONGEST`] characters;
//! - two that follow each other share at most [`SHARED`] characters, so that a sentence at a border is found with what
//!   stands before it.
//!
//! A passage ends where a paragraph or a sentence does when that is possible, else between words, else between characters.
//! It knows nothing of languages: a sentence ends with `.`, `!`, `?` or their ideographic forms.

use contract::assistant::DocumentFormat;
use std::ops::Range;

/// Characters of a passage at most.
pub const LONGEST: usize = 800;
/// Characters that a passage has in common with the one before at most.
pub const SHARED: usize = 120;

/// A piece of the text that is not cut further, and what stands before it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Piece {
    range: Range<usize>,
    /// The same in characters.
    chars: Range<usize>,
    /// A heading stands here: what comes before it is about something else.
    begins: bool,
}

/// The passages of a text.
#[must_use]
pub fn passages(text: &str, format: DocumentFormat) -> Vec<&str> {
    let pieces = pieces(text, format);
    let mut found = Vec::new();
    let mut from = 0;
    while from < pieces.len() {
        let to = end_of(&pieces, from);
        let whole = pieces[from].range.start..pieces[to - 1].range.end;
        found.push(text[whole].trim());
        from = if to < pieces.len() { shared_from(&pieces, from, to) } else { to };
    }
    found
}

/// Characters from the beginning of one piece to the end of another, with what stands between them.
fn chars_of(pieces: &[Piece], from: usize, to: usize) -> usize {
    pieces[to].chars.end - pieces[from].chars.start
}

/// Behind which piece the passage ends that begins with `from`: with as many as fit, up to the next heading.
fn end_of(pieces: &[Piece], from: usize) -> usize {
    let mut to = from + 1;
    while to < pieces.len() && !pieces[to].begins && chars_of(pieces, from, to) <= LONGEST {
        to += 1;
    }
    to
}

/// With which piece the passage after `from..to` begins: with the last ones of it again, if they are short, and if they
/// leave room for the next one.
fn shared_from(pieces: &[Piece], from: usize, to: usize) -> usize {
    if pieces[to].begins {
        return to;
    }
    let mut begin = to;
    while begin > from + 1
        && chars_of(pieces, begin - 1, to - 1) <= SHARED
        && chars_of(pieces, begin - 1, to) <= LONGEST
    {
        begin -= 1;
    }
    begin
}

/// Paragraphs cut into sentences, and those that are too long into words or parts of them.
fn pieces(text: &str, format: DocumentFormat) -> Vec<Piece> {
    let mut found: Vec<Piece> = Vec::new();
    let mut begins = false;
    for line in lines(text) {
        let heading = format == DocumentFormat::Markdown && is_heading(&text[line.clone()]);
        begins |= heading;
        let sentences = if heading { vec![line] } else { sentences(text, line) };
        for sentence in sentences {
            for range in short(text, sentence) {
                let (bytes, before) = found.last().map_or((0, 0), |last| (last.range.end, last.chars.end));
                let start = before + text[bytes..range.start].chars().count();
                let chars = start..start + text[range.clone()].chars().count();
                found.push(Piece { range, chars, begins: std::mem::take(&mut begins) });
            }
        }
    }
    debug_assert!(found.iter().all(|piece| (1..=LONGEST).contains(&piece.chars.len())));
    found
}

/// The lines that are not blank, without the spaces around them.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    for line in text.split_inclusive('\n') {
        found.extend(trimmed(text, from..from + line.len()));
        from += line.len();
    }
    found
}

/// A range without the spaces at its ends; nothing when there is nothing else in it.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let part = &text[range.clone()];
    let start = range.start + (part.len() - part.trim_start().len());
    let end = start + part.trim().len();
    (start < end).then_some(start..end)
}

/// A heading of Markdown (CommonMark, section 4.2): one to six `#` and a space.
fn is_heading(line: &str) -> bool {
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&level) && line[level..].starts_with([' ', '\t'])
}

/// The sentences of a line, without the spaces around them.
pub(crate) fn sentences(text: &str, line: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut from = line.start;
    let mut chars = text[line.clone()].char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let ends = match c {
            '.' | '!' | '?' | '…' => next.is_none_or(char::is_whitespace),
            '。' | '！' | '？' => true,
            _ => false,
        };
        if ends {
            let to = line.start + at + c.len_utf8();
            found.extend(trimmed(text, from..to));
            from = to;
        }
    }
    found.extend(trimmed(text, from..line.end));
    found
}

/// A range in parts of [`LONGEST`] characters at most, cut between words where there are any.
fn short(text: &str, range: Range<usize>) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut rest = Some(range);
    while let Some(range) = rest {
        let part = &text[range.clone()];
        let Some((limit, _)) = part.char_indices().nth(LONGEST) else {
            found.push(range);
            break;
        };
        let cut = part[..limit].rfind(char::is_whitespace).filter(|at| *at > 0).unwrap_or(limit);
        found.extend(trimmed(text, range.start..range.start + cut));
        rest = trimmed(text, range.start + cut..range.end);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str) -> Vec<&str> {
        passages(text, DocumentFormat::Markdown)
    }

    fn bare(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    #[test]
    fn a_short_text_is_one_passage() {
        assert_eq!(cut(" Shoes stay outside.\n\nDogs too. \n"), ["Shoes stay outside.\n\nDogs too."]);
        assert!(cut(" \n\t\n").is_empty());
    }

    #[test]
    fn a_heading_begins_a_passage_in_markdown_only() {
        let text = "Before.\n# One\nFirst.\n## Two\nSecond. #not one\n#nor this";
        assert_eq!(cut(text), ["Before.", "# One\nFirst.", "## Two\nSecond. #not one\n#nor this"]);
        assert_eq!(passages(text, DocumentFormat::Text).len(), 1);
    }

    #[test]
    fn passages_end_with_sentences_and_share_a_short_one() {
        let sentence = |n: usize| {
            format!("Sentence {n} is here to fill some of the space, about ninety characters of it, no more.")
        };
        let text = (0..20).map(sentence).collect::<Vec<_>>().join(" ");
        let passages = cut(&text);
        assert!(passages.len() >= 3, "{}", passages.len());
        for pair in passages.windows(2) {
            assert!(pair[0].ends_with("no more."), "{}", pair[0]);
            let last = pair[0].rfind("Sentence").map(|at| &pair[0][at..]).unwrap();
            assert!(pair[1].starts_with(last), "the last sentence stands before the next one again");
        }
    }

    #[test]
    fn a_text_without_spaces_is_cut_between_characters() {
        let text = "дом🏠".repeat(700);
        let passages = cut(&text);
        assert_eq!(passages.concat(), text, "nothing is shared where there are no sentences");
        assert!(passages.iter().all(|passage| passage.chars().count() <= LONGEST));
    }

    #[test]
    fn a_number_with_a_point_is_no_end_of_a_sentence() {
        assert_eq!(sentences("It costs 3.50 in all. Cash only!", 0..32).len(), 2);
        assert_eq!(sentences("東京。大阪。", 0..18).len(), 2);
    }

    /// Words, signs, lines and other scripts, long enough to be cut often.
    fn texts() -> impl Strategy<Value = String> {
        let part = prop_oneof![
            8 => "[a-z]{1,12}",
            2 => Just(". ".to_owned()),
            2 => Just("\n".to_owned()),
            1 => Just("\n\n# ".to_owned()),
            1 => "\\PC{1,8}",
            1 => ("[a-zé語🏠]{1,4}", 100_usize..300).prop_map(|(word, times)| word.repeat(times)),
            3 => Just(" ".to_owned()),
        ];
        proptest::collection::vec(part, 0..200).prop_map(|parts| parts.concat())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn no_passage_is_too_long_or_blank_and_each_is_a_piece_of_the_text(text in texts()) {
            for passage in cut(&text) {
                prop_assert!((1..=LONGEST).contains(&passage.chars().count()));
                prop_assert!(text.contains(passage) && passage.trim() == passage);
            }
        }

        #[test]
        fn nothing_is_lost_and_little_is_shared(text in texts()) {
            let begin = text.as_ptr() as usize;
            let places: Vec<_> = cut(&text)
                .into_iter()
                .map(|passage| {
                    let from = passage.as_ptr() as usize - begin;
                    from..from + passage.len()
                })
                .collect();
            let mut covered = 0;
            let mut kept = String::new();
            for place in &places {
                prop_assert!(place.end > covered, "each goes further than the one before");
                if place.start < covered {
                    prop_assert!(text[place.start..covered].chars().count() <= SHARED);
                } else {
                    prop_assert_eq!(text[covered..place.start].trim(), "", "only space is left out");
                }
                kept.push_str(&text[covered.max(place.start)..place.end]);
                covered = place.end;
            }
            prop_assert_eq!(text[covered..].trim(), "");
            prop_assert_eq!(bare(&kept), bare(&text));
        }

        #[test]
        fn any_text_at_all_is_cut_without_a_panic(text in "(?s).{0,2000}") {
            let all: String = passages(&text, DocumentFormat::Text).concat();
            prop_assert!(all.chars().filter(|c| !c.is_whitespace()).count() >= bare(&text).chars().count());
        }
    }
}
