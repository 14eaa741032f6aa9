//! Texts to values, each by its own rule; every refusal says what would be right. Texts are quoted in refusals only
//! where no secret and nothing personal can stand in them: not for addresses, which may hold a password.

use std::{net::SocketAddr, num::NonZeroU32, time::Duration};

use chrono_tz::Tz;
use http::HeaderName;
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber, Region};
use url::{Host, Url};

use super::{problem::Wrong, settings::Rate};
use crate::model::rules::Share;

/// A value as a person sees it in a refusal: in quotes, and not at length.
pub(super) fn quoted(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    format!("{shown:?}")
}

/// `"90s"`, `"5m"`, `"24h"`, within bounds.
pub(super) fn duration(least: Duration, most: Duration) -> impl Fn(&str) -> Result<Duration, Wrong> {
    move |text| {
        let written = humantime::parse_duration(text).map_err(|_| {
            Wrong::new(format!("{} is not a duration", quoted(text)), "give one as \"90s\", \"5m\" or \"24h\"")
        })?;
        if written < least || written > most {
            let (least, most) = (humantime::format_duration(least), humantime::format_duration(most));
            return Err(Wrong::new(format!("{} is out of bounds", quoted(text)), format!("give {least} to {most}")));
        }
        Ok(written)
    }
}

/// `"1%"`, `"0.5%"`: at most two decimals.
pub(super) fn share(text: &str) -> Result<Share, Wrong> {
    let wrong = || {
        let instead = "give 0% to 100%, with at most two decimals, as \"1%\" or \"0.5%\"";
        Wrong::new(format!("{} is not a share", quoted(text)), instead)
    };
    let number = text.strip_suffix('%').ok_or_else(wrong)?;
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || whole.len() > 3 || decimals.len() > 2 {
        return Err(wrong());
    }
    let hundredths: u32 = format!("{whole}{decimals:0<2}").parse().map_err(|_| wrong())?;
    if hundredths > 10_000 { Err(wrong()) } else { Ok(Share(hundredths)) }
}

/// `"20/s"`, `"1000/5m"`.
pub(super) fn rate(text: &str) -> Result<Rate, Wrong> {
    let wrong = || {
        let instead = "give calls per span, as \"20/s\", \"100/m\" or \"1000/5m\"";
        Wrong::new(format!("{} is not a rate", quoted(text)), instead)
    };
    let (calls, span) = text.split_once('/').ok_or_else(wrong)?;
    let calls: NonZeroU32 = calls.parse().map_err(|_| wrong())?;
    let span = if span.starts_with(|c: char| c.is_ascii_digit()) { span.to_owned() } else { format!("1{span}") };
    let per = humantime::parse_duration(&span).map_err(|_| wrong())?;
    let fits = per > Duration::ZERO && per <= Duration::from_hours(24);
    if fits { Ok(Rate { calls, per }) } else { Err(wrong()) }
}

/// An address of HTTP without query, fragment or credentials.
pub(super) fn web_url(text: &str) -> Result<Url, Wrong> {
    let instead = "give one as \"https://host/path\"";
    let url = Url::parse(text).map_err(|_| Wrong::new("not an address", instead))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(Wrong::new("an address that is neither https nor http", instead));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Wrong::new("an address with credentials in it", "take them out; they have keys of their own"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(Wrong::new("an address with ? or # in it", "end it before them"));
    }
    Ok(url)
}

/// As [`web_url`], with `/` at its end, so that [`Url::join`] appends.
pub(super) fn base_url(text: &str) -> Result<Url, Wrong> {
    let mut url = web_url(text)?;
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    Ok(url)
}

/// Whether whatever is sent there stays on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `127.0.0.1:9480`
pub(super) fn listen(text: &str) -> Result<SocketAddr, Wrong> {
    text.parse().map_err(|_| {
        let instead = "give one as \"127.0.0.1:9480\" or \"[::1]:9480\"";
        Wrong::new(format!("{} is not an IP address with a port", quoted(text)), instead)
    })
}

pub(super) fn header(text: &str) -> Result<HeaderName, Wrong> {
    text.parse()
        .map_err(|_| Wrong::new(format!("{} is no name for a header", quoted(text)), "give one as \"X-Secret-Key\""))
}

/// `IT`: a country whose numbers are known.
pub(super) fn country(text: &str) -> Result<Region, Wrong> {
    let letters = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
    let region = letters.then(|| text.parse::<Region>().ok()).flatten();
    region.filter(|region| PHONE_NUMBER_UTIL.get_supported_regions().any(|known| known == *region)).ok_or_else(|| {
        let instead = "give two capital letters of ISO 3166, as \"IT\"";
        Wrong::new(format!("{} is not a country with telephone numbers", quoted(text)), instead)
    })
}

pub(super) fn timezone(text: &str) -> Result<Tz, Wrong> {
    text.parse().map_err(|_| {
        Wrong::new(
            format!("{} is not a time zone", quoted(text)),
            "give one of the tz database, as \"Europe/Rome\" or \"UTC\"",
        )
    })
}

/// `/api`, or nothing.
pub(super) fn api_prefix(text: &str) -> Result<String, Wrong> {
    let segment = |segment: &str| {
        !segment.is_empty() && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_~".contains(&byte))
    };
    let fits = text.is_empty() || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(segment));
    if fits {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(
        format!("{} is not the beginning of a path", quoted(text)),
        "give it with / before and none after, as \"/api\"",
    ))
}

/// Whether a text is a valid number's E.164 spelling, digit for digit.
pub(super) fn is_e164(text: &str) -> bool {
    let digits = text.strip_prefix('+').is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()));
    digits && text.parse::<PhoneNumber>().is_ok_and(|number| number.is_valid() && number.to_string() == text)
}

/// A filter of the log. A bare word that is no level would be taken for a module's name, and a misspelt `info` silence
/// everything; so a module needs its `=`.
pub(super) fn log(text: &str) -> Result<String, Wrong> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let instead = "give off, error, warn, info, debug or trace, or a list as \"info,anagrafe=debug\"";
    let bare = |part: &str| !part.contains(['=', '[']) && !LEVELS.contains(&part.trim());
    let parses = tracing_subscriber::EnvFilter::builder().parse(text).is_ok();
    if parses && !text.trim().is_empty() && !text.split(',').any(bare) {
        return Ok(text.to_owned());
    }
    Err(Wrong::new(format!("{} is not a filter for the log", quoted(text)), instead))
}

/// What the account calls a field.
pub(super) fn field_name(text: &str) -> Result<String, Wrong> {
    let fits = (1..=64).contains(&text.len()) && text.chars().all(|c| c.is_ascii_graphic() && !"\"'\\".contains(c));
    let wrong = || {
        Wrong::new(
            format!("{} is no name for a field", quoted(text)),
            "give 1 to 64 printable ASCII characters without spaces",
        )
    };
    if fits { Ok(text.to_owned()) } else { Err(wrong()) }
}

/// `/data/cust_id`: a place in a JSON document (RFC 6901); not the whole of it.
pub(super) fn pointer(text: &str) -> Result<(), Wrong> {
    let escaped = |part: &str| part.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    let fits = text.len() <= 200 && text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(escaped));
    let wrong = || Wrong::new(format!("{} is no JSON pointer", quoted(text)), "give one as \"/data/cust_id\"");
    if fits { Ok(()) } else { Err(wrong()) }
}

/// One of a few words.
pub(super) fn one_of<T: Copy>(words: &'static [(&'static str, T)]) -> impl Fn(&str) -> Result<T, Wrong> {
    move |text| {
        let known = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        known.ok_or_else(|| {
            let all: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            Wrong::new(format!("{} is none of its words", quoted(text)), format!("give {}", any_of(&all)))
        })
    }
}

/// `a, b or c`.
fn any_of(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        Some((last, _)) => (*last).to_owned(),
        None => String::new(),
    }
}

/// `1` day is `24 h` here as everywhere below.
pub(super) const DAY: Duration = Duration::from_hours(24);
