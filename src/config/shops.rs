//! `[shops.NAME]`, one table per shop.

use std::{collections::BTreeMap, time::Duration};

use secrecy::ExposeSecret;
use url::Url;

use super::{
    reader::Reader,
    sections::{fits_a_header, warn_of_plain_http},
    settings::Shop,
    values::{api_prefix, base_url, country, duration, header, rate},
};
use crate::model::ShopName;

/// All of them; every one is read, whatever is wrong with another.
pub(super) fn shops(reader: &mut Reader<'_>, names: &[ShopName]) -> Option<BTreeMap<ShopName, Shop>> {
    if names.is_empty() {
        reader.missing("shops", "give at least one, under the heading [shops.NAME] or as ANAGRAFE__SHOPS__NAME__URL");
        return None;
    }
    let read: Vec<(Option<Url>, Option<Shop>)> = names.iter().map(|name| shop(reader, name)).collect();
    for (index, (name, (url, _))) in names.iter().zip(&read).enumerate() {
        for (other, (earlier, _)) in names.iter().zip(&read).take(index) {
            if name.as_str().eq_ignore_ascii_case(other.as_str()) {
                let what = format!("differs from shops.{other} by capitals only, which variables cannot tell apart");
                reader.refuse(&format!("shops.{name}"), what, "give it another name");
            }
            if url.is_some() && url == earlier {
                let what = format!("the address of shops.{other} too: every contact would be read twice");
                reader.refuse(&format!("shops.{name}.url"), what, "give each shop once");
            }
        }
    }
    names.iter().cloned().zip(read).map(|(name, (_, shop))| Some((name, shop?))).collect()
}

/// The shop, if all of it is right; and its address in any case.
fn shop(reader: &mut Reader<'_>, name: &ShopName) -> (Option<Url>, Option<Shop>) {
    let key = |last: &str| format!("shops.{name}.{last}");
    let url = reader.parsed(&key("url"), base_url);
    if let Some(url) = &url {
        warn_of_plain_http(reader, &key("url"), url);
    }
    let secret_key = reader.secret(&key("secret_key"));
    if let Some(secret) = &secret_key
        && let Err(wrong) = fits_a_header(secret.expose_secret())
    {
        reader.refuse(&reader.secret_key(&key("secret_key")), wrong.what, wrong.instead);
    }
    let key_header = reader.parsed(&key("key_header"), header);
    let api_prefix = reader.parsed(&key("api_prefix"), api_prefix);
    let api_version = reader.whole(&key("api_version"), 6..=13);
    let country = reader.parsed(&key("country"), country);
    let page_size = reader.whole(&key("page_size"), 1..=10_000);
    let rate = reader.parsed(&key("rate"), rate);
    let timeout = reader.parsed(&key("timeout"), duration(Duration::from_secs(1), Duration::from_mins(10)));
    let address = url.clone();
    let whole = move || {
        Some(Shop {
            url: url?,
            secret_key: secret_key?,
            key_header: key_header?,
            api_prefix: api_prefix?,
            api_version: api_version?,
            country: country?,
            page_size: page_size?,
            rate: rate?,
            timeout: timeout?,
        })
    };
    (address, whole())
}
