//! Words that are not names: in folded spelling, without dots and apostrophes. Each list is kept short enough to be
//! read; what is missing from it makes two names differ or a name stay whole, which a person then sees.

use std::{collections::HashSet, sync::LazyLock};

/// A list of words, read once: names are folded by the hundred thousand.
pub(super) type Words = LazyLock<HashSet<&'static str>>;

/// The words of a text, parted by white space.
pub(super) fn words(list: &'static str) -> HashSet<&'static str> {
    list.split_ascii_whitespace().collect()
}

/// Belong to the word after them: `De Luca`, `van der Berg`, `D'Angelo`. Without those that are names themselves in some
/// order (`Li`, `Al`, `Ben`).
static PARTICLES: Words = LazyLock::new(|| words(
    "
    af av d da dagli dai dal dall dalla dalle das de degli dei del dell della delle dello den der des di do dos du
    el l la las lo los mac mc o sant ten ter van vande vander von zu zum
",
));

/// Forms of address. Without those that are surnames somewhere (`Frau` is one in Sardinia).
static TITLES: Words = LazyLock::new(|| words(
    "
    arch avv cav dott dottor dottore dottoressa dottssa dr dra drssa egr gentma gentmo geom herrn ing miss mister
    mlle mme monsieur mr mrs ms mx prof professor professore professoressa profssa rag sig sigg signor signora
    signorina sigra sigrina spett spettle
",
));

/// Endings that a title may carry as a word of its own: `sig. ra`, `dott. ssa`.
static TITLE_ENDINGS: Words = LazyLock::new(|| words(
    "
    ra ssa
",
));

/// Legal forms of companies.
static COMPANY_FORMS: Words = LazyLock::new(|| words(
    "
    ab ag apd aps as asd bv bvba co coop corp gmbh inc kg llc llp ltd nv onlus plc sa sapa sarl sas scarl scrl sl
    snc spa srl srls ssd ug
",
));

/// Words with which a business, a place or a household is called rather than a person.
static BUSINESS_WORDS: Words = LazyLock::new(|| words(
    "
    agenzia agriturismo albergo amministrazione associati associazione autofficina azienda banca bar bottega caffe
    cantina carrozzeria casa centro circolo comitato company comune condominio consorzio consulting cooperativa
    design digital ditta edilizia enoteca eredi famiglia farmacia figli flli fondazione fratelli group gruppo hotel
    immobiliare impresa istituto italia laboratorio negozio officina panificio parrocchia pizzeria ristorante scuola
    service services shop societa solutions store studio supermercato tabacchi team tecnica trattoria ufficio unione
    web
",
));

/// What is typed or preset where a name is asked for and none is given.
static PLACEHOLDERS: Words = LazyLock::new(|| words(
    "
    admin anonima anonimo anonymous asd buyer chat client cliente cognome contact contatto customer first gast guest
    invitado kunde last na name nd nessuno no nome none null ospite privato prova qwerty sconosciuto senza shopper
    test undefined unknown user utente visitatore visitor web website
",
));

/// Words that join two names.
static CONJUNCTIONS: Words = LazyLock::new(|| words(
    "
    and con e ed et o ou und with y
",
));

pub(super) fn is_particle(word: &str) -> bool {
    PARTICLES.contains(word)
}

pub(super) fn is_title(word: &str) -> bool {
    TITLES.contains(word)
}

pub(super) fn is_title_ending(word: &str) -> bool {
    TITLE_ENDINGS.contains(word)
}

pub(super) fn is_company_form(word: &str) -> bool {
    COMPANY_FORMS.contains(word)
}

pub(super) fn is_business(word: &str) -> bool {
    is_company_form(word) || BUSINESS_WORDS.contains(word)
}

pub(super) fn is_conjunction(word: &str) -> bool {
    CONJUNCTIONS.contains(word)
}

/// Whether a word says nothing about whose name it is.
pub(super) fn says_nothing(word: &str) -> bool {
    let mut letters = word.chars();
    let first = letters.next();
    let is_one_letter_over_and_over = letters.clone().all(|c| Some(c) == first) && letters.count() != 1;
    is_one_letter_over_and_over
        || word.bytes().all(|byte| byte.is_ascii_digit())
        || PLACEHOLDERS.contains(word)
        || is_company_form(word)
        || is_particle(word)
}
