//! Italian given names, the frequent ones: enough to notice that `Rossi Mario` stands in the order of a school register.
//! Left out: those that are as frequent as surnames (Bruno, Franco, Giordano, Leone, Marino, Romano, Vitale).

use std::sync::LazyLock;

use super::words::{Words, words};

static GIVEN: Words = LazyLock::new(|| words(
    "
    adriana adriano agnese alberto aldo alessandra alessandro alessia alessio alice amelia andrea angela angelo
    anita anna annalisa annamaria antonella antonietta antonio arianna arturo asia aurora barbara beatrice benedetta
    bianca camilla carla carlo carlotta carmela carmelo carmine caterina cecilia chiara cinzia clara claudia claudio
    concetta cosimo cristian cristiana cristiano cristina daniela daniele danilo dario davide debora deborah diego
    domenica domenico donatella edoardo elena eleonora elisa elisabetta emanuela emanuele emilia emma enrica enrico
    enzo erica erika ernesto eugenia eugenio eva fabiana fabio fabrizio federica federico filippo filomena fiorella
    flavia flavio francesca francesco gabriele gabriella gaetano gennaro gerardo giacomo giada giancarlo gianfranco
    gianluca gianmarco gianni gianpaolo ginevra giorgia giorgio giovanna giovanni giulia giuliana giulio giuseppe
    giuseppina gloria graziella greta guido ida ilaria irene isabella ivan ivana jacopo katia laura leonardo letizia
    lidia liliana lisa loredana lorena lorenza lorenzo luca lucia luciana luciano ludovica luigi luigia luisa manuel
    manuela mara marcella marcello marco margherita maria mariangela mariarosa marina mario marisa marta martina
    massimiliano massimo matilde matteo mattia maura maurizio mauro melissa michela michele miriam mirko monica
    nadia nicola nicole nicoletta nicolo noemi olga ornella paola paolo pasquale patrizia pierluigi piero pietro
    raffaele raffaella renata renato riccardo rita roberta roberto rocco rosanna rosaria rosario rossana rossella
    sabrina salvatore samuel samuele sandra sandro sara sebastiano serena sergio silvana silvia silvio simona simone
    sofia sonia stefania stefano susanna tania teresa tiziana tiziano tommaso umberto valentina valeria valerio
    vanessa vera veronica vincenza vincenzo viola virginia vito vittoria vittorio viviana walter
",
));

/// Whether a folded word is a frequent given name.
pub(super) fn is_given(word: &str) -> bool {
    GIVEN.contains(word)
}
