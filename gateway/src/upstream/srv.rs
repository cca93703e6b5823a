//! SRV records (RFC 2782), asked of the servers that `/etc/resolv.conf` names.
//!
//! The system's resolver knows no SRV records, and a library that does is a whole resolver. This is one question: over UDP,
//! and over TCP when the answer did not fit (RFC 1035). What the answer says is believed only when it is to this question;
//! who can forge a packet from the server's address can lie, as with every resolver that does not verify DNSSEC.
//!
//! What must hold: of the records, those with the lowest priority count. A target whose address came along in the answer is
//! still asked for by name when a connection is opened, so that hosts files and search domains mean what they always mean.

use anyhow::{Context, bail, ensure};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;
use uuid::Uuid;

const RESOLV: &str = "/etc/resolv.conf";
/// How long one server may take, before the next one is asked.
const PATIENCE: Duration = Duration::from_secs(2);
const SRV: u16 = 33;
const INTERNET: u16 = 1;
/// Labels of one name, and places that it leads to, together at most.
const STEPS: usize = 256;
const MOST_RECORDS: u16 = 512;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Record {
    priority: u16,
    pub(super) weight: u16,
    pub(super) port: u16,
    pub(super) target: String,
}

/// What can be asked for: labels with points between, such as `_http._tcp.example.org`.
pub(super) fn is_name(name: &str) -> bool {
    let fine = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let label = |label: &str| (1..=63).contains(&label.len()) && label.bytes().all(fine);
    name.len() <= 253 && name.strip_suffix('.').unwrap_or(name).split('.').all(label)
}

/// The servers of the system.
pub(super) async fn servers() -> anyhow::Result<Vec<SocketAddr>> {
    let text = tokio::fs::read_to_string(Path::new(RESOLV))
        .await
        .with_context(|| format!("cannot read {RESOLV}"))?;
    Ok(named_in(&text))
}

fn named_in(text: &str) -> Vec<SocketAddr> {
    let lines =
        text.lines().filter_map(|line| line.trim().strip_prefix("nameserver")?.split_whitespace().next());
    let mut servers: Vec<SocketAddr> =
        lines.filter_map(|text| Some(SocketAddr::new(text.split('%').next()?.parse().ok()?, 53))).collect();
    if servers.is_empty() {
        servers.push(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 53));
    }
    servers
}

/// Asks one server after the other until one answers; the records with the lowest priority.
pub(super) async fn ask(name: &str, servers: &[SocketAddr]) -> anyhow::Result<Vec<Record>> {
    let mut last = anyhow::anyhow!("no server of DNS is known");
    for server in servers {
        match timeout(PATIENCE, ask_one(name, *server)).await {
            Ok(Ok(records)) => return Ok(first_of(records)),
            Ok(Err(error)) => last = error.context(format!("{server} gives no answer")),
            Err(_) => last = anyhow::anyhow!("{server} gives no answer within {PATIENCE:?}"),
        }
    }
    Err(last)
}

fn first_of(mut records: Vec<Record>) -> Vec<Record> {
    let first = records.iter().map(|record| record.priority).min();
    // A point alone says that there is no such service.
    records.retain(|record| Some(record.priority) == first && !record.target.is_empty());
    records
}

async fn ask_one(name: &str, server: SocketAddr) -> anyhow::Result<Vec<Record>> {
    let question = Question::new(name);
    let local: SocketAddr = if server.is_ipv4() { "0.0.0.0:0".parse()? } else { "[::]:0".parse()? };
    // A socket of its own for each question, so that its port is one more thing that a forger has to guess.
    let socket = UdpSocket::bind(local).await?;
    socket.connect(server).await?;
    socket.send(&question.packet).await?;
    let mut packet = vec![0; 4_096];
    loop {
        let length = socket.recv(&mut packet).await?;
        match question.read(packet.get(..length).unwrap_or_default())? {
            Answer::Records(records) => return Ok(records),
            Answer::CutOff => return ask_at_length(&question, server).await,
            // Late, or forged.
            Answer::NotOurs => {}
        }
    }
}

async fn ask_at_length(question: &Question, server: SocketAddr) -> anyhow::Result<Vec<Record>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(question.packet.len())?;
    stream.write_all(&[&length.to_be_bytes()[..], &question.packet].concat()).await?;
    let length = stream.read_u16().await?;
    let mut packet = vec![0; length.into()];
    stream.read_exact(&mut packet).await?;
    match question.read(&packet)? {
        Answer::Records(records) => Ok(records),
        Answer::CutOff | Answer::NotOurs => bail!("it does not answer the question"),
    }
}

struct Question {
    id: u16,
    packet: Vec<u8>,
    /// The name, its type and its class, as they stand in the packet.
    asked: Vec<u8>,
}

enum Answer {
    Records(Vec<Record>),
    /// There is more, over TCP.
    CutOff,
    /// It is to another question.
    NotOurs,
}

impl Question {
    fn new(name: &str) -> Self {
        let random = Uuid::new_v4().into_bytes();
        let id = u16::from_be_bytes([random[0], random[1]]);
        let mut asked = Vec::new();
        for label in name.trim_end_matches('.').split('.') {
            // A label has 63 bytes at most; `is_name` has seen to that.
            asked.push(u8::try_from(label.len()).unwrap_or(0));
            asked.extend_from_slice(label.as_bytes());
        }
        asked.push(0);
        asked.extend_from_slice(&[SRV.to_be_bytes(), INTERNET.to_be_bytes()].concat());
        // Recursion is wanted; one question.
        let head = [id.to_be_bytes(), [1, 0], [0, 1], [0, 0], [0, 0], [0, 0]].concat();
        Self { id, packet: [head, asked.clone()].concat(), asked }
    }

    fn read(&self, packet: &[u8]) -> anyhow::Result<Answer> {
        let mut at = Reader { packet, place: 0 };
        let (id, flags) = (at.u16()?, at.u16()?);
        let (questions, answers) = (at.u16()?, at.u16()?);
        at.place = 12;
        let asked = packet.get(12..12 + self.asked.len());
        let is_ours = id == self.id && flags & 0x8000 != 0 && questions == 1;
        if !is_ours || !asked.is_some_and(|asked| asked.eq_ignore_ascii_case(&self.asked)) {
            return Ok(Answer::NotOurs);
        }
        if flags & 0x0200 != 0 {
            return Ok(Answer::CutOff);
        }
        match flags & 0x000F {
            0 => {}
            3 => bail!("there is no such name"),
            code => bail!("it answers with code {code}"),
        }
        ensure!(answers <= MOST_RECORDS, "{answers} records are too many");
        at.place += self.asked.len();
        let mut records = Vec::new();
        for _ in 0..answers {
            records.extend(at.record()?);
        }
        Ok(Answer::Records(records))
    }
}

struct Reader<'a> {
    packet: &'a [u8],
    place: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> anyhow::Result<u8> {
        let byte = self.packet.get(self.place).context("the answer is cut off")?;
        self.place += 1;
        Ok(*byte)
    }

    fn u16(&mut self) -> anyhow::Result<u16> {
        Ok(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    /// One record; nothing when it is of another type, such as an alias on the way.
    fn record(&mut self) -> anyhow::Result<Option<Record>> {
        self.name()?;
        let (kind, class) = (self.u16()?, self.u16()?);
        self.place += 4;
        let end = usize::from(self.u16()?) + self.place;
        ensure!(end <= self.packet.len(), "the answer is cut off");
        if (kind, class) != (SRV, INTERNET) {
            self.place = end;
            return Ok(None);
        }
        let (priority, weight, port) = (self.u16()?, self.u16()?, self.u16()?);
        let target = self.name()?;
        ensure!(self.place == end, "a record is longer than it says");
        ensure!(target.is_empty() || is_name(&target), "`{target}` is no name of a host");
        Ok(Some(Record { priority, weight, port, target }))
    }

    /// A name, whose end may stand elsewhere in the packet. Afterwards this stands behind its first part.
    fn name(&mut self) -> anyhow::Result<String> {
        let mut name = String::new();
        let mut behind = None;
        for _ in 0..STEPS {
            let length = self.byte()?;
            match length {
                0 => {
                    self.place = behind.unwrap_or(self.place);
                    return Ok(name);
                }
                1..=63 => {
                    let end = self.place + usize::from(length);
                    let label = self.packet.get(self.place..end).context("the answer is cut off")?;
                    if !name.is_empty() {
                        name.push('.');
                    }
                    name.push_str(std::str::from_utf8(label).context("a name is not text")?);
                    ensure!(name.len() <= 253, "a name is too long");
                    self.place = end;
                }
                0xC0.. => {
                    let to = usize::from(u16::from_be_bytes([length & 0x3F, self.byte()?]));
                    behind.get_or_insert(self.place);
                    self.place = to;
                }
                64..=0xBF => bail!("a name has a part of an unknown kind"),
            }
        }
        bail!("a name leads in a circle")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn answer(question: &Question, flags: u16, records: &[u8], count: u16) -> Vec<u8> {
        let head =
            [question.id.to_be_bytes(), flags.to_be_bytes(), [0, 1], count.to_be_bytes(), [0; 2], [0; 2]];
        [head.concat(), question.asked.clone(), records.to_vec()].concat()
    }

    fn record(priority: u8, weight: u8, port: u16, target: &[u8]) -> Vec<u8> {
        let port = port.to_be_bytes();
        let length = u8::try_from(6 + target.len()).unwrap();
        let head = [0xC0, 12, 0, 33, 0, 1, 0, 0, 0, 60, 0, length, 0, priority, 0, weight, port[0], port[1]];
        [&head[..], target].concat()
    }

    fn read(question: &Question, packet: &[u8]) -> Option<Vec<Record>> {
        match question.read(packet).ok()? {
            Answer::Records(records) => Some(records),
            Answer::CutOff | Answer::NotOurs => None,
        }
    }

    #[test]
    fn records_are_read_and_the_lowest_priority_counts() {
        let question = Question::new("_http._tcp.shop.example");
        // The second target ends with the last two labels of the question.
        let records = [
            record(1, 5, 8080, b"\x01a\x04host\x00"),
            record(1, 7, 8081, b"\x01b\xC0\x17"),
            record(2, 1, 1, b"\x01c\x00"),
        ];
        let packet = answer(&question, 0x8180, &records.concat(), 3);
        let records = first_of(read(&question, &packet).unwrap());
        let shown: Vec<_> = records.iter().map(|it| (it.weight, it.port, it.target.as_str())).collect();
        assert_eq!(shown, [(5, 8080, "a.host"), (7, 8081, "b.shop.example")]);
    }

    #[test]
    fn an_answer_to_another_question_is_none() {
        let (ours, other) = (Question::new("_http._tcp.a"), Question::new("_http._tcp.b"));
        let forged = Question { id: ours.id, packet: Vec::new(), asked: other.asked.clone() };
        assert!(matches!(ours.read(&answer(&forged, 0x8180, &[], 0)).unwrap(), Answer::NotOurs));
        assert!(matches!(ours.read(&ours.packet).unwrap(), Answer::NotOurs), "a question is no answer");
        assert!(matches!(ours.read(&answer(&ours, 0x8380, &[], 0)).unwrap(), Answer::CutOff));
        assert!(ours.read(&answer(&ours, 0x8183, &[], 0)).is_err(), "there is no such name");
    }

    #[test]
    fn a_name_that_leads_in_a_circle_ends() {
        let question = Question::new("_http._tcp.a");
        let at = u8::try_from(question.packet.len() + 18).unwrap();
        assert!(question.read(&answer(&question, 0x8180, &record(1, 1, 1, &[0xC0, at]), 1)).is_err());
    }

    #[test]
    fn the_servers_are_those_that_the_file_names() {
        let servers =
            named_in("# x\nnameserver 10.0.0.1\nsearch a.b\n nameserver fe80::1%eth0 # y\nnameserver x\n");
        assert_eq!(servers, ["10.0.0.1:53".parse().unwrap(), "[fe80::1]:53".parse().unwrap()]);
        assert_eq!(named_in(""), ["127.0.0.1:53".parse().unwrap()]);
    }

    proptest! {
        #[test]
        fn whatever_a_server_sends_ends_in_records_or_an_error(
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            count in any::<u16>(),
        ) {
            let question = Question::new("_http._tcp.shop.example");
            drop(question.read(&bytes));
            drop(question.read(&answer(&question, 0x8180, &bytes, count)));
        }
    }
}
