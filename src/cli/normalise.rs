//! `anagrafe normalise`: what an e-mail, a number and a name become, how they are searched for, and why not, where not. For a
//! person from arguments, for machines as JSON lines, one at a time however many there are. Calls nobody, keeps nothing.

use std::io::{self, BufRead, BufReader, IsTerminal as _, Read, Write};

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::{
    Context, Exit, Failure,
    person::{Given, visible},
    setup,
};
use crate::{
    config,
    model::{Line, rules::Spelling},
    plan::{
        names::{self, SplitName},
        normalise::{Defect, Field, Region, identity},
        spellings::{of_email, of_phone},
    },
};

/// The longest line that is read: no contact comes near it.
const LONGEST: u64 = 64 * 1024;

/// `normalise`
#[derive(Debug, Args)]
#[command(
    after_long_help = "Without arguments it reads JSON lines, {\"email\", \"phone\", \"name\", \"country\"}, and answers each with one
line of JSON. A line that is none is told by its number, the others are answered, and the exit code is 2.

Numbers without a country are read as those of --country, else of the configured shops where they agree, else of Italy.

Examples:
  anagrafe normalise '333/1234567' Anna@Example.IT
  anagrafe normalise --name 'Maria De Luca' --phone '06 1234567' --country IT
  anagrafe contacts find --json | jq -c '.[]' | anagrafe normalise"
)]
pub struct NormaliseArgs {
    /// What somebody wrote: an e-mail where it holds an @, else a telephone number; each is answered by itself
    #[arg(value_name = "TEXT", conflicts_with_all = ["email", "phone", "name"])]
    texts: Vec<Given>,
    /// An e-mail, as somebody wrote it
    #[arg(long)]
    email: Option<Given>,
    /// A telephone number, as somebody wrote it
    #[arg(long, allow_hyphen_values = true)]
    phone: Option<Given>,
    /// A name, as somebody wrote it
    #[arg(long)]
    name: Option<Given>,
    /// Where a number without a country belongs: two letters, ISO 3166
    #[arg(long, value_name = "CC", value_parser = region)]
    country: Option<Region>,
}

fn region(text: &str) -> Result<Region, String> {
    Region::try_from(text.to_owned()).map_err(|error| error.to_string())
}

/// What goes where a line says nothing else.
struct Reading {
    country: Region,
    /// Why that country.
    because: &'static str,
    forms: Vec<Spelling>,
}

/// A person as written.
#[derive(Default)]
struct Written {
    email: String,
    phone: String,
    name: String,
    country: Option<Region>,
}

#[derive(Serialize)]
struct Answer {
    email: Option<String>,
    phone: Option<String>,
    line: Option<&'static str>,
    spellings: Spelled,
    name: Name,
    country: Region,
    defects: Vec<Told>,
}

#[derive(Serialize)]
struct Spelled {
    email: Vec<String>,
    phone: Vec<String>,
}

#[derive(Serialize)]
struct Name {
    words: Vec<String>,
    split: Option<Parts>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Parts {
    Split { first: String, last: String },
    Whole { whole: String },
}

#[derive(Serialize)]
struct Told {
    field: Field,
    code: Defect,
    explain: &'static str,
}

pub async fn run(context: &Context, args: NormaliseArgs) -> Result<Exit, Failure> {
    let NormaliseArgs { texts, email, phone, name, country } = args;
    let reading = reading(context, country)?;
    if !texts.is_empty() {
        for Given(text) in texts {
            let is_email = text.contains('@');
            let (email, phone) = if is_email { (text, String::new()) } else { (String::new(), text) };
            show(context, &Written { email, phone, ..Written::default() }, &reading)?;
        }
        return Ok(Exit::Done);
    }
    if email.is_none() && phone.is_none() && name.is_none() {
        if io::stdin().is_terminal() {
            context.out.notice("reading JSON lines from this terminal; `anagrafe normalise --help` shows another way");
        }
        // Lines come at the pace of whoever writes them, and nothing else is to be done meanwhile.
        return tokio::task::spawn_blocking(move || lines(&reading)).await.map_err(Failure::failed)?;
    }
    let text = |given: Option<Given>| given.map(|Given(text)| text).unwrap_or_default();
    let written = Written { email: text(email), phone: text(phone), name: text(name), country: None };
    show(context, &written, &reading)?;
    Ok(Exit::Done)
}

fn show(context: &Context, written: &Written, reading: &Reading) -> Result<(), Failure> {
    let answer = answer(written, reading);
    if context.out.json {
        return context.out.json(&answer);
    }
    for line in words(&answer, written, reading) {
        context.out.line(line);
    }
    Ok(())
}

/// No configuration is needed; one that was named must be right, and one that is found and wrong is not used.
fn reading(context: &Context, country: Option<Region>) -> Result<Reading, Failure> {
    let named = context.globals.config.as_ref();
    let settings = match setup::settings(named) {
        Ok(settings) => Some(settings),
        Err(failure) if named.is_some() => return Err(failure),
        Err(_) => None,
    };
    if settings.is_none() && config::DEFAULT_FILES.iter().any(|file| std::path::Path::new(file).exists()) {
        context.out.notice("the configuration is not used, since it is not valid: see `anagrafe config validate`");
    }
    let mut countries: Vec<Region> = settings
        .iter()
        .flat_map(|settings| settings.shops.values())
        .filter_map(|shop| Region::parse(&shop.country.as_region_str()))
        .collect();
    countries.dedup();
    let (country, because) = match (country, countries.as_slice()) {
        (Some(country), _) => (country, "as given"),
        (None, [country]) => (*country, "as configured"),
        (None, _) => (region("IT").map_err(Failure::usage)?, "the default; --country says another"),
    };
    let all = [Spelling::E164, Spelling::DoubleZero, Spelling::Bare, Spelling::National, Spelling::AsWritten];
    let forms = settings.map_or_else(|| all.to_vec(), |settings| settings.vivocha.spellings);
    Ok(Reading { country, because, forms })
}

fn answer(written: &Written, reading: &Reading) -> Answer {
    let country = written.country.unwrap_or(reading.country);
    let identity = identity(&written.name, &written.email, &written.phone, country);
    let (email, phone) = (identity.email.as_ref(), identity.phone.as_ref());
    let split = match names::split(&written.name) {
        SplitName::Whole(whole) if whole.is_empty() => None,
        SplitName::Whole(whole) => Some(Parts::Whole { whole }),
        SplitName::Split { first, last } => Some(Parts::Split { first, last }),
    };
    let told = |(field, code): &(Field, Defect)| Told { field: *field, code: *code, explain: code.explain() };
    Answer {
        email: email.map(|email| email.as_str().to_owned()),
        phone: phone.map(|phone| phone.e164().to_owned()),
        line: phone.map(|phone| match phone.line() {
            Line::Mobile => "mobile",
            Line::Fixed => "fixed",
        }),
        spellings: Spelled {
            email: email.map(|email| of_email(&written.email, email)).unwrap_or_default(),
            phone: phone.map(|phone| of_phone(&written.phone, phone, country, &reading.forms)).unwrap_or_default(),
        },
        name: Name { words: identity.name.words().to_vec(), split },
        country,
        defects: identity.defects.iter().map(told).collect(),
    }
}

fn words(answer: &Answer, written: &Written, reading: &Reading) -> Vec<String> {
    let mut lines = Vec::new();
    if !written.email.is_empty() {
        lines.push(format!("e-mail     {}", answer.email.clone().unwrap_or_else(|| unusable(answer, Field::Email))));
        lines.extend(answer.spellings.email.iter().map(|way| format!("  asked for as {}", visible(way))));
    }
    if !written.phone.is_empty() {
        let number = match (&answer.phone, answer.line) {
            (Some(number), Some(line)) => format!("{number}, {line}"),
            (_, _) => unusable(answer, Field::Phone),
        };
        lines.push(format!("telephone  {number}"));
        lines.push(format!("  read as a number of {} where it names no country ({})", answer.country, reading.because));
        lines.extend(answer.spellings.phone.iter().map(|way| format!("  asked for as {}", visible(way))));
    }
    if !written.name.is_empty() {
        lines.push(match &answer.name.split {
            Some(Parts::Split { first, last }) => {
                format!("name       first {}, last {}", visible(first), visible(last))
            }
            Some(Parts::Whole { whole }) => format!("name       {}, whole: no split is certain", visible(whole)),
            None => "name       blank".to_owned(),
        });
        lines.push(match answer.name.words.as_slice() {
            [] => "  says nothing about who it is".to_owned(),
            words => format!("  compared as {}", words.join(" ")),
        });
    }
    lines
}

fn unusable(answer: &Answer, field: Field) -> String {
    let told = answer.defects.iter().find(|told| told.field == field);
    told.map_or_else(|| "blank".to_owned(), |told| format!("not usable: {} ({})", told.explain, told.code))
}

fn lines(reading: &Reading) -> Result<Exit, Failure> {
    let mut input = BufReader::with_capacity(1 << 16, io::stdin());
    let mut output = io::BufWriter::with_capacity(1 << 16, io::stdout().lock());
    let complain = |text: String| super::Output::default().notice(format!("anagrafe: {text}"));
    match stream(&mut input, &mut output, reading, complain) {
        Ok(0) => Ok(Exit::Done),
        Ok(1) => Err(Failure::usage("1 line could not be read; the others are answered")),
        Ok(bad) => Err(Failure::usage(format!("{bad} lines could not be read; the others are answered"))),
        // Whoever read the answers has heard enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(Exit::Done),
        Err(error) => Err(Failure::failed(error)),
    }
}

/// Answers line by line; how many could not be read.
fn stream(
    input: &mut BufReader<impl Read>,
    output: &mut impl Write,
    reading: &Reading,
    mut complain: impl FnMut(String),
) -> io::Result<u64> {
    let (mut number, mut bad) = (0_u64, 0);
    let mut line = Vec::new();
    loop {
        // Who writes a line and waits for its answer gets it; who writes many is not slowed down by it.
        if input.buffer().is_empty() {
            output.flush()?;
        }
        line.clear();
        if input.by_ref().take(LONGEST).read_until(b'\n', &mut line)? == 0 {
            output.flush()?;
            return Ok(bad);
        }
        number += 1;
        let cut = line.len() as u64 == LONGEST && !line.ends_with(b"\n");
        let read = if cut {
            input.skip_until(b'\n')?;
            Err(format!("longer than {LONGEST} bytes"))
        } else {
            if number == 1 && line.starts_with("\u{feff}".as_bytes()) {
                line.drain(..3);
            }
            written(&line)
        };
        match read {
            Ok(None) => {}
            Ok(Some(written)) => {
                serde_json::to_writer(&mut *output, &answer(&written, reading))?;
                output.write_all(b"\n")?;
            }
            Err(what) => {
                bad += 1;
                complain(format!("line {number}: {what}"));
            }
        }
    }
}

/// Reads a line; nothing for a blank one. What is wrong is told without a word of the line.
fn written(line: &[u8]) -> Result<Option<Written>, String> {
    if line.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    let value: Value =
        serde_json::from_slice(line).map_err(|error| format!("not JSON, from column {} on", error.column()))?;
    let Value::Object(object) = value else {
        return Err("not an object: give {\"email\", \"phone\", \"name\", \"country\"}".to_owned());
    };
    let text = |key: &str| match object.get(key) {
        None | Some(Value::Null) => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_)) => {
            Err(format!("{key} is not a text"))
        }
    };
    if !["email", "phone", "name"].iter().any(|key| object.contains_key(*key)) {
        return Err("none of email, phone and name is in it".to_owned());
    }
    let country = text("country")?;
    let country = match country.trim() {
        "" => None,
        country => Some(region(country).map_err(|error| format!("country: {error}"))?),
    };
    Ok(Some(Written { email: text("email")?, phone: text("phone")?, name: text("name")?, country }))
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use super::*;

    fn streamed(input: &[u8]) -> (Vec<Value>, Vec<String>) {
        let reading = Reading { country: Region::parse("IT").unwrap(), because: "", forms: vec![Spelling::E164] };
        let (mut output, mut told) = (Vec::new(), Vec::new());
        let bad = stream(&mut BufReader::new(input), &mut output, &reading, |text| told.push(text)).unwrap();
        assert_eq!(bad, told.len() as u64);
        let lines = String::from_utf8(output).unwrap();
        (lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), told)
    }

    #[test]
    fn a_bad_line_is_told_by_its_number_without_a_word_of_it_and_the_others_are_answered() {
        let input = "\u{feff}{\"email\":\"a@x.it\"}\r\n\nanna@x.it\n[1]\n{\"email\":\"b@x.it\"}\n{\"phone\":3331234567}\n\
                     {\"mail\":\"c@x.it\"}\n{\"phone\":\"1\",\"country\":\"ZZ\"}\n{\"name\":\"Anna\"}";
        let (answers, told) = streamed(input.as_bytes());
        let emails: Vec<&Value> = answers.iter().filter_map(|answer| answer.get("email")).collect();
        assert_eq!(emails, [&Value::from("a@x.it"), &Value::from("b@x.it"), &Value::Null]);
        let numbers: Vec<&str> = told.iter().filter_map(|text| text.split(':').next()).collect();
        assert_eq!(numbers, ["line 3", "line 4", "line 6", "line 7", "line 8"]);
        assert!(!told.join(" ").contains("@x.it") && !told.join(" ").contains("333"), "{told:?}");
    }

    #[test]
    fn a_line_without_end_costs_no_more_than_the_longest() {
        let mut input = vec![b'x'; 3 * usize::try_from(LONGEST).unwrap()];
        input.extend(b"\n{\"email\":\"a@x.it\"}\n");
        let (answers, told) = streamed(&input);
        assert_eq!((answers.len(), told.len()), (1, 1));
        assert!(told.concat().starts_with("line 1: longer than"));
    }

    #[test]
    fn bytes_that_are_no_text_are_a_bad_line_and_no_more() {
        let (answers, told) = streamed(b"{\"email\":\"\xff\"}\n{\"email\":\"a@x.it\"}\n");
        assert_eq!((answers.len(), told.len()), (1, 1));
    }

    #[test]
    fn the_country_of_a_line_outranks_the_default() {
        let (answers, _) =
            streamed(b"{\"phone\":\"06 12345678\"}\n{\"phone\":\"06 12 34 56 78\",\"country\":\"fr\"}\n");
        let phones: Vec<&Value> = answers.iter().filter_map(|answer| answer.get("phone")).collect();
        assert_eq!(phones, ["+390612345678", "+33612345678"]);
    }
}
