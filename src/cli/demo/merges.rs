//! `anagrafe demo --merges`: a town of ten, in which two chats are one person, a couple shares a telephone, a shopper borrows an address,
//! an office has one number and a daughter her father's. Every step is a command that an operator would give.

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use clap::Parser as _;
use owo_colors::OwoColorize as _;
use serde_json::{Map, Value, json};

use super::{
    super::{Exit, Failure, args::Cli, command_of, exit, merges::Desk},
    Town,
};
use crate::{
    model::proposal::ProposalId,
    sandbox::population::{Population, ShopContact},
};

/// So long the whole of it may take, and be called quick.
const QUICK: Duration = Duration::from_secs(15);

const ANNA: i64 = 1;
const DARIO: i64 = 2;
const LUIGI: i64 = 9;
const GIULIA: i64 = 10;

/// The people, in the shop and in the account.
pub(super) fn people() -> Population {
    let contact = |(id, name, email, phone): (i64, &str, &str, &str)| ShopContact {
        id,
        customer: 1,
        name: name.into(),
        email: Some(email.into()),
        phone: phone.into(),
        note: String::new(),
    };
    let contacts = [
        (ANNA, "Anna Rossi", "anna.rossi@example.it", "347 1000001"),
        (DARIO, "Dario Fontana", "dario.fontana@example.it", ""),
        (3, "Bruno Verdi", "bruno.verdi@example.it", "347 2000002"),
        (4, "Beatrice Galli", "beatrice.galli@example.it", "347 2000002"),
        (5, "Ugo Finti", "carla.neri@example.it", "347 3000003"),
        (6, "Marta Sala", "marta.sala@example.it", "02 4567890"),
        (7, "Ivo Leone", "ivo.leone@example.it", "02 4567890"),
        (8, "Nora Pace", "nora.pace@example.it", "02 4567890"),
        (LUIGI, "Luigi Costa", "luigi.costa@example.it", "347 5000005"),
        (GIULIA, "Giulia Moro", "giulia.moro@example.it", "347 6000006"),
    ];
    let customers = [
        json!({"id": "anna-1", "email": "anna.rossi@example.it"}),
        json!({"id": "anna-2", "email": "anna.rossi@example.it", "nickname": "annina"}),
        json!({"id": "dario-1", "email": "dario.fontana@example.it", "tags": ["newsletter"]}),
        json!({"id": "dario-2", "email": "dario.fontana@example.it", "nickname": "rosa", "city": "Lecce"}),
        json!({"id": "couple-1", "email": "bruno.verdi@example.it"}),
        json!({"id": "couple-2", "telnum": "+393472000002"}),
        json!({"id": "carla-1", "email": "carla.neri@example.it", "firstname": "Carla", "lastname": "Neri"}),
        json!({"id": "ugo-1", "telnum": "3473000003"}),
        json!({"id": "office-1", "telnum": "+39024567890"}),
        json!({"id": "office-2", "email": "marta.sala@example.it"}),
        json!({"id": "family-1", "email": "luigi.costa@example.it"}),
        json!({"id": "family-2", "telnum": "347 5000005"}),
        json!({"id": "giulia-1", "email": "giulia.moro@example.it", "nickname": "giulia"}),
        json!({"id": "giulia-2", "telnum": "+393476000006"}),
    ];
    let document = |value: &Value| value.as_object().cloned().unwrap_or_default();
    Population {
        contacts: contacts.into_iter().map(contact).collect(),
        customers: customers.iter().map(document).collect(),
        ..Population::default()
    }
}

/// Tells it.
pub(super) async fn tell(town: &Town, began: Instant) -> Result<Exit, Failure> {
    town.say(
        "A town in miniature: ten contacts of a shop, fourteen chats in Vivocha. Anna and Dario have chatted twice each with one address. Bruno and Beatrice share a telephone. Ugo has registered with Carla's address. Marta, Ivo and Nora have one number at the office. Luigi's daughter chats from his telephone. Giulia left her address once, and her number another time.",
    );
    let ended = story(town).await?;
    if ended != Exit::Done {
        return Ok(ended);
    }
    town.chapter("What became of them");
    for line in endings(town) {
        town.say(format!("- {line}"));
    }
    let merges = merges(town);
    let took = began.elapsed();
    town.say(format!(
        "\n{merges} merges were sent, each declared before, and read back. All of that took {:.1} s{}. The folder of this demo is removed now.",
        took.as_secs_f64(),
        if took > QUICK { " on this busy machine" } else { "" }
    ));
    if merges == 3 {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(anyhow::anyhow!("three merges were to be sent, and {merges} were: please report it")))
}

async fn story(town: &Town) -> Result<Exit, Failure> {
    town.chapter(
        "The first sync: contacts are linked and updated. A shop's first merges are held until a person has looked",
    );
    if expect(town, Exit::Held, &["sync"]).await? != Exit::Done {
        return Ok(Exit::Failed);
    }
    run(town, &["merges", "list"]).await?;
    run(town, &["holds", "show", "1"]).await?;
    town.chapter("They look right: the hold is released, and the next sync looks at each again and merges it");
    run(town, &["holds", "release", "1"]).await?;
    run(town, &["sync"]).await?;
    town.chapter("Two ask a person. Giulia says on the telephone that both chats are hers: approved");
    let giulia = proposal(town, GIULIA).await?;
    run(town, &["merges", "show", &giulia.0]).await?;
    run(town, &["merges", "approve", &giulia.0]).await?;
    town.chapter("The number of Luigi's second chat is his daughter's to use: rejected, and never proposed again");
    let luigi = proposal(town, LUIGI).await?;
    run(town, &["merges", "reject", &luigi.0]).await?;
    run(town, &["sync"]).await?;
    town.chapter("What became of Giulia's, from its evidence to what was read back");
    run(town, &["merges", "show", &giulia.0]).await?;
    town.chapter(
        "Too late it is found that Dario's second chat was Rosa's, who shares his mailbox: what can be written back is",
    );
    let dario = proposal(town, DARIO).await?;
    run(town, &["merges", "restore", &dario.0]).await?;
    run(town, &["merges", "restore", &dario.0, "--yes"]).await?;
    town.chapter("And why was Carla not merged into Ugo, who goes by her address?");
    run(town, &["explain", "pair", "carla-1", "ugo-1"]).await?;
    town.chapter("A last sync: nothing is left to do");
    run(town, &["sync"]).await?;
    run(town, &["status"]).await?;
    Ok(Exit::Done)
}

/// Gives a command that is to end just so.
async fn expect(town: &Town, expected: Exit, words: &[&str]) -> Result<Exit, Failure> {
    let ended = run(town, words).await?;
    if ended == expected {
        return Ok(Exit::Done);
    }
    Err(Failure::failed(anyhow::anyhow!(
        "`anagrafe {}` ended with {}, and {} was expected: please report it",
        words.join(" "),
        ended.code(),
        expected.code()
    )))
}

/// Gives a command, as from a terminal. One that asks for --yes shows what it would do, and goes no further.
async fn run(town: &Town, words: &[&str]) -> Result<Exit, Failure> {
    town.say(format!("{} anagrafe {}", "$".dimmed(), words.join(" ")));
    let cli = Cli::try_parse_from(["anagrafe"].iter().chain(words)).map_err(Failure::failed)?;
    // A command gives commands: boxed, or it would have to hold itself.
    let given: Pin<Box<dyn Future<Output = Result<Exit, Failure>> + '_>> =
        Box::pin(command_of(&town.context, cli.command));
    let ended = given.await;
    town.context.close().await;
    match ended {
        Err(Failure { exit: Exit::Usage, error }) => {
            town.say(format!("anagrafe: {}", exit::chain(&error)));
            Ok(Exit::Usage)
        }
        ended => ended,
    }
}

/// The merge that was proposed for a contact.
async fn proposal(town: &Town, contact: i64) -> Result<ProposalId, Failure> {
    let desk = Desk::open(&town.context).await?;
    let of = desk.proposals(None).await?.into_iter().find(|kept| kept.proposal.contact.id.get() == contact);
    town.context.close().await;
    let kept = of.ok_or_else(|| Failure::failed(anyhow::anyhow!("no merge of contact {contact}: please report it")))?;
    Ok(kept.proposal.id)
}

fn merges(town: &Town) -> usize {
    town.sandbox.journal().iter().filter(|entry| entry.call == "customers.merge").count()
}

fn endings(town: &Town) -> Vec<String> {
    let customer = |id: &str| town.sandbox.vivocha.customer(id);
    let one = |id: &str, other: &str| customer(id).is_some() && customer(other).is_none();
    let two = |id: &str, other: &str| customer(id).is_some() && customer(other).is_some();
    let text = |of: &Map<String, Value>, field: &str| of.get(field).and_then(Value::as_str).unwrap_or("").to_owned();
    let says = |holds: bool, told: &str| if holds { told.to_owned() } else { format!("NOT AS EXPECTED: {told}") };
    let anna = customer("anna-1").unwrap_or_default();
    let dario = customer("dario-1").unwrap_or_default();
    vec![
        says(
            one("anna-1", "anna-2"),
            &format!(
                "Anna is one customer, anna-1, with both chats; from anna-2 came her nickname \"{}\".",
                text(&anna, "nickname")
            ),
        ),
        says(
            one("giulia-1", "giulia-2") || one("giulia-2", "giulia-1"),
            "Giulia is one customer, on a person's word: neither chat had a name, and a telephone alone proves nobody.",
        ),
        says(two("family-1", "family-2"), "Luigi and his daughter are two, for good."),
        says(
            one("dario-1", "dario-2") && text(&dario, "city").is_empty(),
            "Dario has his own fields back. What is gone is gone: Rosa's chat stays with him, and she is a customer again only when she chats again.",
        ),
        says(
            two("couple-1", "couple-2"),
            "Bruno and Beatrice share a number, so it says nothing about either: nothing was merged.",
        ),
        says(
            two("carla-1", "ugo-1"),
            "Ugo holds Carla's address, but not her name: nothing of hers was linked to him, let alone merged. A person decides: `anagrafe links list`.",
        ),
        says(two("office-1", "office-2"), "Marta, Ivo and Nora have one number at the office: it matched nobody."),
    ]
}
