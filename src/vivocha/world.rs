//! Which host an account lives on. Asked once, without credentials, of the vendor's front door: where that redirects the
//! account's specification to is its world. The redirect is read, never followed.

use http::{HeaderMap, Method, header};
use url::{Host, Url};

use crate::{
    http::{Answer, Call, CallError, Cause, Client, Judgement, Safety, Verdict},
    model::AccountName,
};

use std::time::Duration;

/// The base address of the account: `https://{world}.vivocha.com/a/{account}/api/v3`. `www` is `https://www.vivocha.com`.
///
/// # Errors
/// Where there is no such account, or the door does not answer as the vendor's does.
pub async fn world(client: &Client, account: &AccountName, www: &Url) -> Result<Url, CallError> {
    const NAME: &str = "world";
    let path = format!("/a/{account}/api/v3");
    let mut url = www.clone();
    url.set_path(&format!("{path}/openapi.json"));
    let call = Call {
        name: NAME,
        safety: Safety::Read,
        method: Method::HEAD,
        url,
        headers: HeaderMap::new(),
        body: None,
        timeout: Duration::from_secs(30),
        permit: None,
        paid: false,
    };
    let answer = client.call(call, &|answer: &Answer| judge(account, answer)).await?;
    let location = answer.headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    location.and_then(|location| base(www, location, &path)).ok_or_else(|| {
        let text = format!(
            "where account {account} lives cannot be told from the answer: set vivocha.base_url to the address Vivocha gave you"
        );
        client.failed(NAME, Verdict::Stop, Cause::Protocol(text))
    })
}

fn judge(account: &AccountName, answer: &Answer) -> Judgement {
    let status = answer.status.as_u16();
    let cause = |meaning: String| Cause::Status { status, meaning };
    match status {
        302 | 307 => Judgement::Good,
        429 | 500 | 502..=504 => Judgement::Again(cause("Vivocha's front door is not available at the moment".into())),
        _ => Judgement::Fail(
            Verdict::Stop,
            cause(format!("Vivocha knows no account {account}: check vivocha.account, or set vivocha.base_url")),
        ),
    }
}

/// The world behind a `Location`. Credentials will be sent there, so it has to be one of the vendor's hosts, over the
/// scheme of the front door; and not that door itself, which is where unknown things are sent.
fn base(www: &Url, location: &str, path: &str) -> Option<Url> {
    let location = Url::parse(location).ok()?;
    let same_door = location.host() == www.host() && location.port_or_known_default() == www.port_or_known_default();
    let family = match (www.host()?, location.host()?) {
        (Host::Domain(door), Host::Domain(world)) => {
            let family = door.split_once('.').map_or(door, |(_, family)| family);
            world.strip_suffix(family).is_some_and(|label| label.ends_with('.'))
        }
        (door, world) => door == world,
    };
    let mut base = www.clone();
    base.set_path(path);
    base.set_host(location.host_str()).ok()?;
    base.set_port(location.port()).ok()?;
    (family && !same_door && location.scheme() == www.scheme()).then_some(base)
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test may stop where it fails")]
mod tests {
    use super::*;

    #[test]
    fn a_world_is_another_host_of_the_vendors_family_over_the_same_scheme() {
        let www = Url::parse("https://www.vivocha.com").unwrap();
        let table = [
            ("https://eu1.vivocha.com/a/acme/api/v3/openapi.json", Some("https://eu1.vivocha.com/a/acme/api/v3")),
            ("https://eu1.vivocha.com/", Some("https://eu1.vivocha.com/a/acme/api/v3")),
            ("http://eu1.vivocha.com/a/acme/api/v3/openapi.json", None),
            ("https://www.vivocha.com/404", None),
            ("https://evil.example/a/acme/api/v3/openapi.json", None),
            ("https://notvivocha.com/a/acme/api/v3/openapi.json", None),
            ("https://vivocha.com.evil.example/", None),
            ("/login", None),
        ];
        for (location, expected) in table {
            let told = base(&www, location, "/a/acme/api/v3");
            assert_eq!(told.as_ref().map(Url::as_str), expected, "{location}");
        }
    }
}
