//! Reading a file: CSV with a header, a JSON array, or a JSON object a line. Every line that cannot be read is told with its
//! number and its field; the others are read all the same.

use super::row::{Problem, Row, amount};
use anyhow::{Context as _, bail};
use contract::catalog::{Attribute, Image};
use contract::money::Currency;
use serde_json::value::RawValue;
use std::path::Path;

/// A line, or what is wrong with it.
pub type Line = (u64, Result<Row, Vec<Problem>>);

/// What a file is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values (RFC 4180); semicolons do as well.
    Csv,
    /// A JSON array, or an object a line.
    Json,
}

impl Format {
    /// By the ending of a file's name.
    ///
    /// # Errors
    /// For any other ending.
    pub fn of(path: &Path) -> anyhow::Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        match ending.to_ascii_lowercase().as_str() {
            "csv" => Ok(Self::Csv),
            "json" | "jsonl" | "ndjson" => Ok(Self::Json),
            _ => bail!("{}: must end in .csv, .json, .jsonl or .ndjson", path.display()),
        }
    }
}

/// The lines of a file.
///
/// # Errors
/// When it is no such file at all: another header, JSON that breaks off.
pub fn lines(text: &str, format: Format) -> anyhow::Result<Vec<Line>> {
    // Some programs begin a file in UTF-8 with this mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match format {
        Format::Csv => csv_lines(text),
        Format::Json => json_lines(text),
    }
}

const COLUMNS: [&str; 12] = [
    "sku",
    "name",
    "price",
    "currency",
    "slug",
    "description",
    "category",
    "brand",
    "active",
    "featured",
    "images",
    "attributes",
];

fn csv_lines(text: &str) -> anyhow::Result<Vec<Line>> {
    let header = text.lines().next().unwrap_or_default();
    let delimiter = if header.contains(';') && !header.contains(',') { b';' } else { b',' };
    let mut reader =
        csv::ReaderBuilder::new().delimiter(delimiter).trim(csv::Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().context("the first line names the columns")?.clone();
    for (index, name) in header.iter().enumerate() {
        if !COLUMNS.contains(&name) {
            bail!("line 1: {name:?} is not a column; those are {}", COLUMNS.join(", "));
        }
        if header.iter().take(index).any(|other| other == name) {
            bail!("line 1: the column {name} stands twice");
        }
    }
    if !header.iter().any(|name| name == "sku") {
        bail!("line 1: there must be a column sku");
    }
    let (mut lines, mut places) = (Vec::new(), Places::new(text));
    for record in reader.records() {
        match record {
            Ok(record) => {
                let line = places.line(record.position());
                lines.push((line, csv_row(line, &header, &record)));
            }
            Err(error) => {
                let line = places.line(error.position());
                let problem = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("has {len} fields; the header has {expected_len}")
                    }
                    _ => bail!("line {line}: {error}"),
                };
                lines.push((line, Err(vec![Problem::new(line, "", problem)])));
            }
        }
    }
    Ok(lines)
}

fn csv_row(line: u64, header: &csv::StringRecord, record: &csv::StringRecord) -> Result<Row, Vec<Problem>> {
    let cell = |name: &str| {
        let at = header.iter().position(|column| column == name)?;
        record.get(at).filter(|text| !text.is_empty())
    };
    let text = |name: &str| cell(name).map(str::to_owned);
    let mut problems = Vec::new();
    let mut wrong = |field: &str, message: &str| problems.push(Problem::new(line, field, message));
    let price = match (cell("price"), cell("currency")) {
        (None, None) => None,
        (None, Some(_)) => {
            wrong("price", "is required beside a currency");
            None
        }
        (Some(_), None) => {
            wrong("currency", "is required beside a price");
            None
        }
        (Some(price), Some(code)) => {
            let currency = Currency::parse(code);
            if currency.is_none() {
                wrong("currency", "not a currency of ISO 4217, such as EUR");
            }
            let price = currency.and_then(|currency| amount(price, currency));
            if currency.is_some() && price.is_none() {
                wrong("price", "must be an amount such as 19.99, with no more digits than the currency has");
            }
            price
        }
    };
    let mut truth = |name: &str| match cell(name) {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => {
            wrong(name, "must be true or false");
            None
        }
    };
    let (active, featured) = (truth("active"), truth("featured"));
    let images = cell("images").map(|cell| {
        cell.split_whitespace().map(|url| Image { url: url.to_owned(), alt: None }).collect::<Vec<_>>()
    });
    let attributes = cell("attributes").map(|cell| {
        let pairs = cell.split(';').filter(|pair| !pair.trim().is_empty());
        pairs.map(|pair| pair.split_once('=')).collect::<Option<Vec<_>>>()
    });
    if attributes == Some(None) {
        wrong("attributes", "must be such as Colour=Walnut; Size=L");
    }
    let attribute = |(name, value): (&str, &str)| Attribute {
        name: name.trim().to_owned(),
        value: value.trim().to_owned(),
    };
    let attributes = attributes.flatten().map(|pairs| pairs.into_iter().map(attribute).collect());
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Row {
        sku: text("sku").unwrap_or_default(),
        name: text("name"),
        price,
        slug: text("slug"),
        description: text("description"),
        category: text("category"),
        brand: text("brand"),
        active,
        featured,
        images,
        attributes,
    })
}

fn json_lines(text: &str) -> anyhow::Result<Vec<Line>> {
    if text.trim_start().starts_with('[') {
        let items: Vec<&RawValue> = serde_json::from_str(text).context("not a JSON array")?;
        // The items are parts of the text, so where one begins says on which line; they are in order.
        let mut places = Places::new(text);
        let start = text.as_ptr().addr();
        let lines = items.into_iter().map(|item| {
            let line = places.line_of(item.get().as_ptr().addr() - start);
            (line, json_row(line, item.get()))
        });
        return Ok(lines.collect());
    }
    let lines = (1..).zip(text.lines()).filter(|(_, line)| !line.trim().is_empty());
    Ok(lines.map(|(line, text)| (line, json_row(line, text))).collect())
}

/// Which line a place of a text is in; places are asked for in their order.
struct Places<'a> {
    text: &'a [u8],
    line: u64,
    seen: usize,
}

impl<'a> Places<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text: text.as_bytes(), line: 1, seen: 0 }
    }

    /// The line in which a record of a table begins. The reader says where the one before it ended, be it within a line's
    /// two signs of its end; its own count of lines does not know these.
    fn line(&mut self, position: Option<&csv::Position>) -> u64 {
        let ended = position.and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.seen);
        let ends = self.text.iter().skip(ended).take_while(|b| matches!(b, b'\r' | b'\n')).count();
        self.line_of(ended + ends)
    }

    fn line_of(&mut self, place: usize) -> u64 {
        let passed = self.text.get(self.seen..place).unwrap_or_default();
        self.line += passed.iter().map(|b| u64::from(*b == b'\n')).sum::<u64>();
        self.seen = self.seen.max(place);
        self.line
    }
}

fn json_row(line: u64, text: &str) -> Result<Row, Vec<Problem>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let row: Row = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let field = if path == "." { String::new() } else { path };
        let message = error.into_inner().to_string();
        // The place is of the item, not of the file.
        let message = message.split(" at line ").next().unwrap_or_default().to_owned();
        vec![Problem::new(line, field, message)]
    })?;
    reader.end().map_err(|_| vec![Problem::new(line, "", "something stands behind the object")])?;
    Ok(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::money::Money;

    fn problems(lines: &[Line]) -> Vec<String> {
        lines.iter().filter_map(|(_, line)| line.as_ref().err()).flatten().map(ToString::to_string).collect()
    }

    #[test]
    fn a_table_is_read_with_its_line_numbers() {
        let text = "\u{feff}sku,name,price,currency,images,attributes,active\r\n\
            A-1,\"Lamp, small\",19.99,EUR,https://a.example/1 https://a.example/2,Colour=Walnut; Size=L,true\r\n\
            A-2,\"Two\nlines\",,,,,\r\n\
            A-3,Vase,5,EUR,,,false\r\n";
        let lines = lines(text, Format::Csv).unwrap();
        assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [2, 3, 5]);
        let row = lines[0].1.as_ref().unwrap();
        assert_eq!((row.sku.as_str(), row.name.as_deref()), ("A-1", Some("Lamp, small")));
        assert_eq!(row.price, Some(Money::new(1999, Currency::EUR)));
        assert_eq!(row.images.as_ref().map(Vec::len), Some(2));
        assert_eq!(row.attributes.as_ref().unwrap()[1].value, "L");
        let bare = lines[1].1.as_ref().unwrap();
        assert_eq!(
            (&bare.price, &bare.images, bare.active),
            (&None, &None, None),
            "an empty cell says nothing"
        );
    }

    #[test]
    fn semicolons_do_as_well() {
        let lines = lines("sku;name;price;currency\nA;Lamp;5.50;EUR\n", Format::Csv).unwrap();
        assert_eq!(lines[0].1.as_ref().unwrap().price, Some(Money::new(550, Currency::EUR)));
    }

    #[test]
    fn every_bad_line_of_a_table_is_told_with_its_field() {
        let text = "sku,name,price,currency,active,attributes\n\
            A,Lamp,\"1,5\",EUR,yes,red\n\
            B,Vase,1,EUR,true\n\
            C,Sofa,1,EURO,true,\n\
            D,Chair,1,,true,\n\
            E,Table,1,EUR,true,\n";
        let lines = lines(text, Format::Csv).unwrap();
        let told = problems(&lines);
        assert_eq!(
            told,
            [
                "line 2: price: must be an amount such as 19.99, with no more digits than the currency has",
                "line 2: active: must be true or false",
                "line 2: attributes: must be such as Colour=Walnut; Size=L",
                "line 3: has 5 fields; the header has 6",
                "line 4: currency: not a currency of ISO 4217, such as EUR",
                "line 5: currency: is required beside a price",
            ]
        );
        assert!(lines[4].1.is_ok());
    }

    #[test]
    fn a_header_that_is_not_understood_is_refused() {
        for header in ["", "sku,colour", "name,price", "sku,sku"] {
            assert!(lines(&format!("{header}\nA,B\n"), Format::Csv).is_err(), "{header}");
        }
    }

    #[test]
    fn an_array_and_an_object_a_line_are_read_with_their_line_numbers() {
        let one = r#"{"sku":"A","price":{"amount":5,"currency":"EUR"}}"#;
        let array = format!("\n[\n  {one},\n\n  {{\"sku\":\n\"B\"}}, {one},\n  {one}]");
        let each = format!("{one}\n\n{one}\n");
        for (text, expected) in [(array, vec![3, 5, 6, 7]), (each, vec![1, 3])] {
            let lines = lines(&text, Format::Json).unwrap();
            assert_eq!(lines.iter().map(|(line, _)| *line).collect::<Vec<_>>(), expected);
            assert_eq!(lines[0].1.as_ref().unwrap().price, Some(Money::new(5, Currency::EUR)));
        }
    }

    #[test]
    fn every_bad_item_is_told_with_its_field() {
        let text = "[{\"sku\":\"A\",\"price\":{\"amount\":1.5,\"currency\":\"EUR\"}},\n{\"sku\":\"B\",\"colour\":1},\n{\"name\":\"C\"}]";
        let told = problems(&lines(text, Format::Json).unwrap());
        assert!(told[0].starts_with("line 1: price.amount: invalid type"), "{told:?}");
        assert!(told[1].starts_with("line 2: colour: unknown field"), "{told:?}");
        assert!(told[2].contains("missing field `sku`"), "{told:?}");
        assert!(lines("[{\"sku\":", Format::Json).is_err());
        assert_eq!(problems(&lines("{\"sku\":", Format::Json).unwrap()).len(), 1);
    }
}
