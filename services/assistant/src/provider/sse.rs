//! A stream of events (HTML standard, section 9.2) as bytes that come in pieces of any size.

/// The longest event that is read.
const LONGEST: usize = 1024 * 1024;

/// Takes a stream apart into the `data` of its events. Other fields are passed over.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
}

/// Why a stream cannot be read on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unreadable {
    TooLong,
    NotUtf8,
}

impl Events {
    /// Takes the next bytes in, and hands on the `data` of each event that they complete.
    pub(super) fn take(&mut self, bytes: &[u8], mut on: impl FnMut(&str)) -> Result<(), Unreadable> {
        for &byte in bytes {
            let after_cr = std::mem::take(&mut self.after_cr);
            match byte {
                b'\n' if after_cr => {}
                b'\n' => self.end_line(&mut on)?,
                b'\r' => {
                    self.after_cr = true;
                    self.end_line(&mut on)?;
                }
                _ if self.line.len() + self.data.len() >= LONGEST => return Err(Unreadable::TooLong),
                _ => self.line.push(byte),
            }
        }
        Ok(())
    }

    fn end_line(&mut self, on: &mut impl FnMut(&str)) -> Result<(), Unreadable> {
        if self.line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                on(std::str::from_utf8(&self.data).map_err(|_| Unreadable::NotUtf8)?);
            }
            self.data.clear();
            return Ok(());
        }
        if let Some(value) = self.line.strip_prefix(b"data:") {
            if std::mem::replace(&mut self.has_data, true) {
                self.data.push(b'\n');
            }
            self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        }
        self.line.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Result<Vec<String>, Unreadable> {
        let (mut events, mut all) = (Events::default(), Vec::new());
        for piece in pieces {
            events.take(piece, |data| all.push(data.to_owned()))?;
        }
        Ok(all)
    }

    #[test]
    fn comments_and_other_fields_are_passed_over_and_lines_end_in_every_way() {
        let stream = b": hello\n\nevent: x\nid: 1\ndata: one\n\ndata:two\r\n\r\ndata: a\rdata: b\r\rdata\n\n";
        assert_eq!(read(&[stream]).unwrap(), ["one", "two", "a\nb"]);
    }

    #[test]
    fn an_event_that_is_not_whole_is_none() {
        assert!(read(&[b"data: {\"half\":", b"1}\n"]).unwrap().is_empty());
    }

    #[test]
    fn what_never_ends_or_is_no_text_is_refused() {
        let endless = vec![b'x'; LONGEST + 1];
        assert_eq!(read(&[&endless]), Err(Unreadable::TooLong));
        assert_eq!(read(&[b"data: \xff\n\n"]), Err(Unreadable::NotUtf8));
    }

    proptest! {
        #[test]
        fn wherever_the_bytes_are_cut_the_events_are_the_same(
            texts in prop::collection::vec("[^\r\n]{0,20}", 1..6), ends in prop::sample::select(vec!["\n", "\r\n", "\r"]),
            cuts in prop::collection::vec(1_usize..7, 1..40),
        ) {
            let stream: String = texts.iter().map(|text| format!("data: {text}{ends}{ends}")).collect();
            let (mut rest, mut pieces, mut cuts) = (stream.as_bytes(), Vec::new(), cuts.into_iter().cycle());
            while !rest.is_empty() {
                let (piece, more) = rest.split_at(cuts.next().unwrap().min(rest.len()));
                pieces.push(piece);
                rest = more;
            }
            prop_assert_eq!(read(&pieces).unwrap(), texts);
        }
    }
}
