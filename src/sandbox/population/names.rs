//! Italian names: given names of one word, family names, families with particles, firms.

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

/// Given names, each one plain word.
#[rustfmt::skip]
pub(in crate::sandbox) const GIVEN: &[&str] = &[
    "Alessandro", "Alessia", "Alice", "Andrea", "Angela", "Angelo", "Anna", "Annalisa", "Antonella", "Antonio",
    "Arianna", "Asia", "Aurora", "Barbara", "Beatrice", "Benedetta", "Bianca", "Bruno", "Camilla", "Carla", "Carlo",
    "Carlotta", "Carmela", "Carmine", "Caterina", "Cecilia", "Chiara", "Cinzia", "Claudia", "Claudio", "Corrado",
    "Cristian", "Cristiano", "Cristina", "Daniela", "Daniele", "Dario", "Davide", "Debora", "Diego", "Domenico",
    "Donatella", "Edoardo", "Elena", "Eleonora", "Elisa", "Elisabetta", "Emanuela", "Emanuele", "Emilia", "Emma",
    "Enrico", "Enzo", "Erica", "Ernesto", "Ettore", "Eugenio", "Eva", "Fabio", "Fabrizio", "Federica", "Federico",
    "Filippo", "Flavia", "Flavio", "Francesca", "Francesco", "Franco", "Gabriele", "Gaetano", "Gaia", "Giacomo",
    "Gianluca", "Gianni", "Ginevra", "Gioele", "Giorgia", "Giorgio", "Giovanna", "Giovanni", "Giulia", "Giuliano",
    "Giulio", "Giuseppe", "Giuseppina", "Grazia", "Greta", "Guido", "Ilaria", "Immacolata", "Irene", "Isabella",
    "Ivan", "Jacopo", "Laura", "Leonardo", "Letizia", "Lidia", "Linda", "Lorenzo", "Luca", "Lucia", "Luciano",
    "Ludovica", "Luigi", "Luisa", "Manuela", "Marcello", "Marco", "Margherita", "Maria", "Mariangela", "Marina",
    "Mario", "Marta", "Martina", "Massimo", "Matilde", "Matteo", "Maurizio", "Mauro", "Melissa", "Michela", "Michele",
    "Miriam", "Mirko", "Monica", "Nadia", "Nicola", "Noemi", "Nunzia", "Oriana", "Ornella", "Oscar", "Ottavia",
    "Paola", "Paolo", "Pasquale", "Patrizia", "Piero", "Pietro", "Raffaele", "Raffaella", "Renato", "Riccardo",
    "Rita", "Roberta", "Roberto", "Rocco", "Romina", "Rosa", "Rosalba", "Salvatore", "Samuele", "Sara", "Serena",
    "Sergio", "Silvia", "Silvio", "Simona", "Simone", "Sofia", "Stefania", "Stefano", "Susanna", "Teresa", "Tiziana",
    "Tommaso", "Umberto", "Valentina", "Valeria", "Valerio", "Vanessa", "Veronica", "Vincenzo", "Viola", "Virginia",
    "Vittoria", "Vittorio", "Viviana", "Walter",
];

/// Given names with an accent, which some will type without.
pub(super) const ACCENTED: &[(&str, &str)] = &[
    ("Nicolò", "Nicolo"),
    ("Niccolò", "Niccolo"),
    ("Mattìa", "Mattia"),
    ("Noè", "Noe"),
    ("Josè", "Jose"),
    ("Zoè", "Zoe"),
    ("Desirée", "Desiree"),
    ("Salomè", "Salome"),
];

/// Family names, each one plain word.
#[rustfmt::skip]
pub(in crate::sandbox) const FAMILY: &[&str] = &[
    "Rossi", "Russo", "Ferrari", "Esposito", "Bianchi", "Romano", "Colombo", "Ricci", "Marino", "Greco", "Bruni",
    "Gallo", "Conti", "Costa", "Giordano", "Mancini", "Rizzo", "Lombardi", "Moretti", "Barbieri", "Fontana",
    "Santoro", "Mariani", "Rinaldi", "Caruso", "Ferrara", "Galli", "Martini", "Leone", "Longo", "Gentile",
    "Martinelli", "Vitale", "Lombardo", "Serra", "Coppola", "Parisi", "Villa", "Conte", "Ferraro", "Ferri", "Fabbri",
    "Bianco", "Marini", "Grasso", "Valentini", "Messina", "Sala", "Gatti", "Pellegrini", "Palumbo", "Sanna", "Farina",
    "Rizzi", "Monti", "Cattaneo", "Morelli", "Amato", "Silvestri", "Mazza", "Testa", "Grassi", "Pellegrino",
    "Carbone", "Giuliani", "Benedetti", "Barone", "Rossetti", "Caputo", "Montanari", "Guerra", "Palmieri", "Bernardi",
    "Fiore", "Ferretti", "Sartori", "Neri", "Basile", "Riva", "Donati", "Piras", "Battaglia", "Vitali", "Sorrentino",
    "Orlando", "Orsini", "Pagano", "Ruggiero", "Costantini", "Negri", "Castelli", "Cocco", "Marchi", "Mele", "Longhi",
    "Fadda", "Cavallo", "Zanetti", "Sforza", "Ventura", "Milani", "Poli", "Piazza", "Ruggeri", "Martino", "Sacchi",
    "Bellini", "Pozzi", "Filippi", "Basso", "Cattani", "Fumagalli", "Brambilla", "Colonna", "Locatelli", "Gritti",
    "Bassi", "Negro", "Parodi", "Canepa", "Bruzzone", "Traverso", "Schiavone", "Zanella", "Boscolo", "Furlan",
    "Visentin", "Bortolotti", "Zanon", "Vianello", "Favaro", "Pavan", "Tonello", "Salvi", "Corsi", "Nardi", "Bartoli",
    "Giusti", "Innocenti", "Pieri", "Cecchi", "Fanti", "Masini", "Venturi", "Gualtieri", "Morandi", "Govoni",
    "Bonfanti", "Tedesco", "Iannone", "Scognamiglio", "Cirillo", "Ammirati", "Capuano", "Savarese", "Buonocore",
    "Porcu", "Deiana", "Murgia", "Pinna", "Usai", "Melis", "Puddu", "Carta", "Lai", "Mura", "Cannas", "Arena",
    "Cannizzaro", "Spadaro", "Calabrese", "Mangano", "Privitera", "Scuderi", "Bonanno", "Catalano", "Giuffrida",
    "Musumeci", "Pappalardo", "Torrisi", "Zappalà", "Fanò", "Cantù", "Calì", "Forlì", "Foà", "Nicolodi",
];

/// Family names that no splitting at a space gets right.
#[rustfmt::skip]
const PARTICLES: &[&str] = &[
    "De Luca", "De Santis", "De Angelis", "Di Stefano", "Di Marco", "Di Lorenzo", "Del Vecchio", "Della Torre",
    "Dal Pozzo", "La Rosa", "Lo Presti", "Lo Iacono", "D'Amico", "D'Angelo", "D'Agostino", "Dell'Orto",
];

#[rustfmt::skip]
const TRADES: &[&str] = &[
    "Impianti", "Costruzioni", "Arredamenti", "Trasporti", "Serramenti", "Ceramiche", "Consulting", "Autofficina",
    "Tessuti", "Alimentari", "Idraulica", "Legnami",
];

const FORMS: &[&str] = &["S.r.l.", "S.p.A.", "S.n.c.", "Srl", "S.a.s."];

/// Where private people have their mail.
#[rustfmt::skip]
pub(super) const DOMAINS: &[&str] = &[
    "gmail.com", "libero.it", "hotmail.it", "hotmail.com", "virgilio.it", "tiscali.it", "alice.it", "yahoo.it",
    "outlook.it", "icloud.com", "tim.it", "fastwebnet.it", "email.it", "inwind.it",
];

/// One of them.
pub(in crate::sandbox) fn pick<'a>(rng: &mut ChaCha8Rng, from: &[&'a str]) -> &'a str {
    from.choose(rng).copied().unwrap_or_default()
}

/// `Rossi Impianti S.r.l.`
pub(super) fn firm(rng: &mut ChaCha8Rng, family: &str) -> String {
    format!("{family} {} {}", pick(rng, TRADES), pick(rng, FORMS))
}

/// A family name with a particle.
pub(super) fn particle(rng: &mut ChaCha8Rng) -> &'static str {
    pick(rng, PARTICLES)
}

/// A given name with an accent, and the same without.
pub(super) fn accented(rng: &mut ChaCha8Rng) -> (&'static str, &'static str) {
    ACCENTED.choose(rng).copied().unwrap_or_default()
}

/// A name as a person in a chat signs: nobody's.
pub(super) fn nickname(rng: &mut ChaCha8Rng) -> String {
    const WORDS: &[&str] = &["nino", "stella", "gatto", "lupo", "sole", "pippo", "luna", "zorro", "fiocco", "tigre"];
    format!("{}{}", pick(rng, WORDS), rng.random_range(10..100))
}

/// ASCII lower case, for the local part of an address.
pub(super) fn plain(name: &str) -> String {
    let ascii = |c: char| match c {
        'à' => Some('a'),
        'è' | 'é' => Some('e'),
        'ì' => Some('i'),
        'ò' => Some('o'),
        'ù' => Some('u'),
        c => Some(c.to_ascii_lowercase()).filter(char::is_ascii_alphanumeric),
    };
    name.chars().filter_map(ascii).collect()
}
