//! The tour of the README, as it stands there: its commands are run, its answers are compared.

use crate::support::{Sandbox, Shape};
use std::path::Path;
use std::process::Command;

/// The sections that are one tour.
const SECTIONS: [&str; 3] = ["A first tour", "What else is there", "Buying something"];

/// Between the outputs of two blocks of commands.
const MARK: &str = "\u{1}";

/// As much of curl as the tour needs, for a machine without it.
const CURL: &str = r#"
command -v curl > /dev/null || curl() {
    local method=GET url= body= head=
    while [ $# -gt 0 ]; do
        case $1 in
            -s) ;;
            -X) method=$2; shift ;;
            -H) head+="$2"$'\r\n'; shift ;;
            -d) body=$2; method=POST; shift ;;
            *) url=${1#http://} ;;
        esac
        shift
    done
    local address=${url%%/*}
    exec 3<> "/dev/tcp/${address%:*}/${address#*:}"
    printf '%s %s HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: %d\r\n%s\r\n%s' \
        "$method" "/${url#*/}" "${#body}" "$head" "$body" >&3
    while read -r line <&3 && [ "$line" != $'\r' ]; do :; done
    cat <&3
}
"#;

/// Commands, and what the page says they print; nothing when it does not say.
struct Step<'a> {
    commands: &'a str,
    answer: Option<&'a str>,
}

/// The section with this title.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let (_, behind) = page.split_once(&format!("\n## {title}\n")).unwrap();
    behind.split("\n## ").next().unwrap()
}

/// The blocks of a section: each `sh` with the `json` right behind it.
fn steps(section: &str) -> Vec<Step<'_>> {
    let mut steps: Vec<Step<'_>> = Vec::new();
    for block in section.split("```").skip(1).step_by(2) {
        if let Some(commands) = block.strip_prefix("sh\n") {
            steps.push(Step { commands, answer: None });
        } else if let Some(answer) = block.strip_prefix("json\n") {
            steps.last_mut().unwrap().answer = Some(answer);
        }
    }
    steps
}

/// Whether a text is as told: lines are joined, and `…` stands for anything within quotes.
fn is_as_told(told: &str, printed: &str) -> bool {
    let told: String = told.lines().map(str::trim).collect();
    let mut rest = printed.trim();
    for (place, part) in told.split('…').enumerate() {
        if place > 0 {
            rest = &rest[rest.find('"').unwrap_or(rest.len())..];
        }
        let Some(behind) = rest.strip_prefix(part) else { return false };
        rest = behind;
    }
    rest.is_empty()
}

#[test]
fn the_answers_are_those_that_the_page_shows() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let steps: Vec<Step<'_>> = SECTIONS.iter().flat_map(|title| steps(section(&readme, title))).collect();
    assert!(steps.len() > 10, "the tour has {} steps", steps.len());

    // On a machine that is busy a checkout takes longer than a reader waits.
    let sandbox = Sandbox::start_with(Shape::All, &[("BOWLINE_ORDERS__CHECKOUT_WAIT_MS", "30000")]);
    sandbox.command(&["admin", "create", "--email", "keeper@example.org"], "grey heron at noon");
    let script: String = steps.iter().map(|step| format!("{}\nprintf '{MARK}'\n", step.commands)).collect();
    let script = CURL.to_owned() + &script.replace("http://localhost:8080", &sandbox.door.url());
    let output = Command::new("bash").args(["-euc", &script]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{printed}\n{}", String::from_utf8_lossy(&output.stderr));
    for (step, printed) in steps.iter().zip(printed.split(MARK)) {
        let told = step.answer.unwrap_or_default();
        assert!(is_as_told(told, printed), "{}\nprints\n{printed}\nand not\n{told}", step.commands);
    }
}

#[test]
fn a_text_that_differs_is_not_as_told() {
    assert!(is_as_told("{\"id\":\"…\",\n\"at\":\"…\"}\n", r#"{"id":"1","at":"2"}"#));
    assert!(!is_as_told("{\"id\":\"…\",\"b\":1}", r#"{"id":"1","b":2}"#));
    assert!(!is_as_told("{\"id\":\"…\"}", r#"{"id":"1","more":"2"}"#));
    assert!(!is_as_told("", "something"));
}
