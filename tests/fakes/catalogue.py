"""The titles of the stand-in catalogues: public-domain and open films, and series, some of them invented.

Dates of running series are relative to `today`, so that there is always something airing this week.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

GENRES = {
    "Action": 28, "Adventure": 12, "Animation": 16, "Comedy": 35, "Crime": 80, "Documentary": 99, "Drama": 18,
    "Family": 10751, "Fantasy": 14, "History": 36, "Horror": 27, "Music": 10402, "Mystery": 9648, "Romance": 10749,
    "Science Fiction": 878, "TV Movie": 10770, "Thriller": 53, "War": 10752, "Western": 37,
    "Action & Adventure": 10759, "Kids": 10762, "News": 10763, "Reality": 10764, "Sci-Fi & Fantasy": 10765,
    "Soap": 10766, "Talk": 10767, "War & Politics": 10768,
}  # fmt: skip


@dataclass(frozen=True)
class Translation:
    """A title in another language."""

    title: str
    overview: str = ""


@dataclass(frozen=True)
class Film:
    """One film with the fields that the stand-ins return."""

    id: int
    imdb_id: str
    title: str
    released: str
    runtime: int
    genres: tuple[str, ...]
    overview: str
    director: str
    cast: tuple[tuple[str, str], ...] = ()
    original_title: str | None = None
    language: str = "en"
    country: str = "US"
    studio: str = ""
    certification: str = ""
    rating: float = 7.0
    votes: int = 200
    popularity: float = 5.0
    tagline: str = ""
    art: str | None = None
    """File name in `artwork/` without its ending; None gets a poster drawn on the fly."""
    keywords: tuple[str, ...] = ()
    collection: tuple[int, str] | None = None
    alternative: tuple[tuple[str, str], ...] = ()
    """(country, title)."""
    translations: Mapping[str, Translation] = field(default_factory=dict)
    trailer: str | None = None
    tvdb_id: int | None = None
    digital: str | None = None
    physical: str | None = None
    adult: bool = False


@dataclass(frozen=True)
class Episode:
    """One episode; `title` is None if it has no name yet."""

    season: int
    number: int
    title: str | None
    aired: date | None
    overview: str
    runtime: int
    kind: str = "standard"
    absolute: int | None = None


@dataclass(frozen=True)
class Series:
    """One series with its episodes, specials in season 0."""

    id: int
    tvdb_id: int
    imdb_id: str
    title: str
    genres: tuple[str, ...]
    overview: str
    creator: str
    network: str
    status: str
    """`Returning Series`, `Ended`, `Canceled` or `In Production`."""
    episodes: tuple[Episode, ...]
    cast: tuple[tuple[str, str], ...] = ()
    original_title: str | None = None
    language: str = "en"
    country: str = "US"
    type: str = "Scripted"
    certification: str = ""
    rating: float = 7.4
    votes: int = 120
    popularity: float = 12.0
    tagline: str = ""
    art: str | None = None
    backdrop: str | None = None
    keywords: tuple[str, ...] = ()
    alternative: tuple[tuple[str, str], ...] = ()
    translations: Mapping[str, Translation] = field(default_factory=dict)
    trailer: str | None = None

    @property
    def seasons(self) -> tuple[int, ...]:
        """The season numbers in order, specials first."""
        return tuple(sorted({episode.season for episode in self.episodes}))

    def season(self, number: int) -> tuple[Episode, ...]:
        """The episodes of one season."""
        return tuple(episode for episode in self.episodes if episode.season == number)


FILMS: tuple[Film, ...] = (
    Film(10378, "tt1254207", "Big Buck Bunny", "2008-05-30", 10, ("Animation", "Comedy", "Family"),
         "A gentle giant of a rabbit loses his patience when three small bullies kill the butterflies he loves.",
         "Sacha Goedegebure", (("Big Buck Bunny", "Himself"),), language="en", country="NL", studio="Blender Foundation",
         certification="G", rating=6.6, votes=412, popularity=9.1, art="big-buck-bunny", keywords=("rabbit", "open film"),
         collection=(1100, "Blender Open Movies"), tvdb_id=5001, digital="2008-05-30",
         translations={"de": Translation("Big Buck Bunny", "Ein sanfter Riese von einem Hasen verliert die Geduld.")},
         trailer="aqz-KE-bpKQ"),
    Film(45745, "tt1727587", "Sintel", "2010-09-27", 15, ("Animation", "Fantasy", "Adventure"),
         "A lonely young woman searches the world for the dragon she once nursed back to health.",
         "Colin Levy", (("Halina Reijn", "Sintel"), ("Thom Hoffman", "Shaman")), country="NL", studio="Blender Foundation",
         certification="PG", rating=7.2, votes=351, popularity=8.4, art="sintel", keywords=("dragon", "open film"),
         collection=(1100, "Blender Open Movies"), tvdb_id=5002, digital="2010-09-30", trailer="eRsGyueVLvQ"),
    Film(9761, "tt0807840", "Elephants Dream", "2006-03-24", 11, ("Animation", "Science Fiction"),
         "Two men walk through an endless machine, and do not agree on what it is.",
         "Bassam Kurdali", (("Tygo Gernandt", "Proog"), ("Cas Jansen", "Emo")), country="NL",
         studio="Blender Foundation", rating=5.9, votes=149, popularity=4.3, art="elephants-dream",
         keywords=("machine", "open film"), collection=(1100, "Blender Open Movies"), digital="2006-05-18"),
    Film(133701, "tt2285752", "Tears of Steel", "2012-09-26", 12, ("Science Fiction", "Action"),
         "In a broken Amsterdam, soldiers and scientists replay the moment a love story began a war with machines.",
         "Ian Hubert", (("Derek de Lint", "Old Thom"), ("Vanja Rukavina", "Thom")), country="NL",
         studio="Blender Foundation", rating=6.1, votes=120, popularity=5.0, art="tears-of-steel",
         collection=(1100, "Blender Open Movies"), keywords=("robot", "open film"), digital="2012-09-26"),
    Film(358332, "tt4957236", "Cosmos Laundromat", "2015-08-10", 12, ("Animation", "Comedy", "Science Fiction"),
         "A sheep tired of life on a desolate island meets a salesman who offers him the lives of others.",
         "Mathieu Auvray", (("Pierre Bokma", "Franck"), ("Reinout Scholten van Aschat", "Victor")), country="NL",
         studio="Blender Animation Studio", rating=6.7, votes=77, popularity=3.2, art="cosmos-laundromat",
         collection=(1100, "Blender Open Movies"), alternative=(("US", "Cosmos Laundromat: First Cycle"),)),
    Film(593048, "tt9815454", "Spring", "2019-04-04", 8, ("Animation", "Fantasy"),
         "A shepherd girl and her dog face old spirits so that the year can turn.",
         "Andy Goralczyk", (), country="NL", studio="Blender Animation Studio", rating=6.9, votes=66, popularity=3.0,
         art="spring", collection=(1100, "Blender Open Movies"), digital="2019-04-04"),
    Film(887767, "tt15739188", "Sprite Fright", "2021-10-29", 10, ("Animation", "Comedy", "Horror"),
         "Teenagers litter a forest, and find that its smallest inhabitants keep a strict house.",
         "Matthew Luhn", (("Zoë Wees", "Ellie"),), country="NL", studio="Blender Animation Studio", certification="PG-13",
         rating=6.8, votes=58, popularity=3.7, art="sprite-fright", collection=(1100, "Blender Open Movies")),
    Film(235460, "tt9900013", "Caminandes: Llama Drama", "2013-05-29", 2, ("Animation", "Comedy", "Family"),
         "Koro the llama would like to be on the other side of a road.",
         "Pablo Vazquez", (), country="AR", studio="Blender Animation Studio", rating=6.2, votes=24, popularity=1.4,
         art="caminandes", collection=(1101, "Caminandes")),
    Film(459151, "tt7744700", "Agent 327: Operation Barbershop", "2017-05-15", 4, ("Animation", "Action", "Comedy"),
         "A Dutch secret agent suspects that a barber cuts more than hair.",
         "Hjalti Hjálmarsson", (), country="NL", studio="Blender Animation Studio", rating=6.9, votes=41, popularity=2.0),
    Film(717095, "tt9900020", "Coffee Run", "2020-05-29", 3, ("Animation", "Romance"),
         "Fuelled by caffeine, a young woman runs through the bitter-sweet memories of her last love.",
         "Hjalti Hjálmarsson", (), country="NL", studio="Blender Animation Studio", rating=6.6, votes=35, popularity=1.9),
    Film(1054872, "tt9900022", "Charge", "2022-12-15", 5, ("Animation", "Action", "Science Fiction"),
         "In an energy-starved future, an old man breaks into a battery factory and wakes its guard.",
         "Hjalti Hjálmarsson", (), country="NL", studio="Blender Animation Studio", rating=6.4, votes=31, popularity=1.8),
    Film(19, "tt0017136", "Metropolis", "1927-02-06", 153, ("Drama", "Science Fiction"),
         "In a city of towers and workers underground, the master's son falls in love with the woman who could unite them.",
         "Fritz Lang", (("Brigitte Helm", "Maria"), ("Alfred Abel", "Joh Fredersen"), ("Gustav Fröhlich", "Freder")),
         language="de", country="DE", studio="UFA", certification="NR", rating=8.1, votes=2900, popularity=21.3,
         art="metropolis", keywords=("dystopia", "robot", "silent film"), tvdb_id=5019,
         tagline="The mediator between head and hands must be the heart.",
         translations={"de": Translation("Metropolis", "Oben die Stadt der Söhne, unten die Stadt der Arbeiter.")}),
    Film(9606, "tt0293416", "Metropolis", "2001-05-26", 108, ("Animation", "Science Fiction"),
         "A detective and a boy look for a girl made by machines in a city of layers.",
         "Rintaro", (("Yuka Imoto", "Tima"),), original_title="メトロポリス", language="ja", country="JP",
         rating=7.1, votes=900, popularity=9.2, certification="PG-13"),
    Film(653, "tt0013442", "Nosferatu", "1922-02-16", 95, ("Fantasy", "Horror"),
         "An estate agent travels to a castle in the mountains; its owner would like to move to town, coffin and all.",
         "F. W. Murnau", (("Max Schreck", "Graf Orlok"), ("Greta Schröder", "Ellen"), ("Gustav von Wangenheim", "Hutter")),
         original_title="Nosferatu, eine Symphonie des Grauens", language="de", country="DE", studio="Prana-Film",
         rating=7.7, votes=2100, popularity=18.0, art="nosferatu", keywords=("vampire", "silent film"), tvdb_id=5653,
         alternative=(("US", "Nosferatu: A Symphony of Horror"), ("GB", "Nosferatu: A Symphony of Terror")),
         translations={"de": Translation("Nosferatu – Eine Symphonie des Grauens", "Ein Makler reist in die Karpaten.")}),
    Film(234, "tt0010323", "The Cabinet of Dr. Caligari", "1920-02-27", 77, ("Horror", "Thriller", "Crime"),
         "At a fair a doctor shows a sleepwalker who knows when men will die.",
         "Robert Wiene", (("Werner Krauss", "Dr. Caligari"), ("Conrad Veidt", "Cesare")),
         original_title="Das Cabinet des Dr. Caligari", language="de", country="DE", rating=7.9, votes=1600,
         popularity=14.0, art="caligari", keywords=("sleepwalker", "silent film"),
         translations={"de": Translation("Das Cabinet des Dr. Caligari", "Ein Schausteller zeigt einen Schlafwandler.")}),
    Film(57283, "tt0013257", "Häxan", "1922-09-18", 105, ("Documentary", "Horror", "History"),
         "Half lecture, half nightmare: what people once believed of witches, and what became of the accused.",
         "Benjamin Christensen", (("Benjamin Christensen", "The Devil"), ("Maren Pedersen", "Heksen")),
         language="sv", country="SE", rating=7.5, votes=480, popularity=7.7, art="haxan",
         alternative=(("US", "Witchcraft Through the Ages"), ("US", "Haxan")), keywords=("witch", "silent film")),
    Film(4808, "tt0056923", "Charade", "1963-12-05", 113, ("Comedy", "Mystery", "Romance", "Thriller"),
         "A widow in Paris is chased by men who want the fortune her husband stole, and helped by one with many names.",
         "Stanley Donen", (("Cary Grant", "Peter Joshua"), ("Audrey Hepburn", "Regina Lampert"),
                           ("Walter Matthau", "Hamilton Bartholomew")),
         studio="Universal Pictures", certification="NR", rating=7.6, votes=1300, popularity=13.5, art="charade",
         tagline="You can expect the unexpected.", physical="1999-06-01"),
    Film(10331, "tt0063350", "Night of the Living Dead", "1968-10-04", 96, ("Horror", "Thriller"),
         "Seven strangers in a farmhouse, and the dead outside will not stay dead.",
         "George A. Romero", (("Duane Jones", "Ben"), ("Judith O'Dea", "Barbra"), ("Karl Hardman", "Harry Cooper")),
         studio="Image Ten", certification="NR", rating=7.6, votes=2400, popularity=19.8, art="living-dead",
         keywords=("zombie", "farmhouse"), tagline="They won't stay dead!", physical="2008-05-20"),
    Film(961, "tt0017925", "The General", "1926-12-25", 79, ("Action", "Adventure", "Comedy", "War"),
         "An engineer loses his train and his sweetheart on the same day, and goes after both.",
         "Buster Keaton", (("Buster Keaton", "Johnnie Gray"), ("Marion Mack", "Annabelle Lee")), certification="NR",
         rating=7.9, votes=1200, popularity=11.2, art="the-general", keywords=("train", "silent film")),
    Film(992, "tt0015324", "Sherlock Jr.", "1924-04-21", 45, ("Action", "Comedy", "Fantasy"),
         "A projectionist who wants to be a detective falls asleep and walks into the film.",
         "Buster Keaton", (("Buster Keaton", "Projectionist"), ("Kathryn McGuire", "The Girl")), rating=8.0, votes=1000,
         popularity=9.8, art="sherlock-jr", keywords=("detective", "silent film"), alternative=(("US", "Sherlock Junior"),)),
    Film(20367, "tt0037638", "Detour", "1945-11-30", 68, ("Crime", "Thriller"),
         "A pianist hitch-hikes to Hollywood, and every choice on the road is worse than the last.",
         "Edgar G. Ulmer", (("Tom Neal", "Al Roberts"), ("Ann Savage", "Vera")), rating=7.1, votes=380, popularity=6.1,
         art="detour", keywords=("film noir", "hitch-hiking")),
    Film(3085, "tt0032599", "His Girl Friday", "1940-01-18", 92, ("Comedy", "Romance", "Drama"),
         "A newspaper editor uses every trick he knows to keep his best reporter, and former wife, from marrying again.",
         "Howard Hawks", (("Cary Grant", "Walter Burns"), ("Rosalind Russell", "Hildy Johnson")),
         studio="Columbia Pictures", rating=7.6, votes=990, popularity=10.4, art="his-girl-friday"),
    Film(962, "tt0015864", "The Gold Rush", "1925-07-13", 95, ("Adventure", "Comedy", "Drama"),
         "A lone prospector finds cold, hunger, a bear and love in the Klondike, and eats his shoe.",
         "Charlie Chaplin", (("Charlie Chaplin", "The Lone Prospector"), ("Georgia Hale", "Georgia")), rating=8.0,
         votes=1700, popularity=12.6, art="gold-rush"),
    Film(10098, "tt0012349", "The Kid", "1921-01-21", 68, ("Comedy", "Drama"),
         "A tramp brings up an abandoned child, and will not give him away.",
         "Charlie Chaplin", (("Charlie Chaplin", "A Tramp"), ("Jackie Coogan", "The Child")), rating=8.2, votes=2200,
         popularity=15.0, art="the-kid"),
    Film(780, "tt0019254", "The Passion of Joan of Arc", "1928-04-21", 82, ("Drama", "History"),
         "The trial of a young woman, told in faces.",
         "Carl Theodor Dreyer", (("Maria Falconetti", "Jeanne d'Arc"), ("Eugène Silvain", "Évêque Cauchon")),
         original_title="La Passion de Jeanne d'Arc", language="fr", country="FR", rating=8.1, votes=1000,
         popularity=9.9, art="joan-of-arc",
         translations={"fr": Translation("La Passion de Jeanne d'Arc", "Le procès d'une jeune femme, en visages.")}),
    Film(643, "tt0015648", "Battleship Potemkin", "1925-12-24", 75, ("Drama", "History", "War"),
         "Sailors refuse rotten meat, and a city climbs down its stairs to meet them.",
         "Sergei Eisenstein", (("Aleksandr Antonov", "Grigory Vakulinchuk"),),
         original_title="Броненосец «Потёмкин»", language="ru", country="SU", rating=7.6, votes=1200, popularity=9.0,
         art="potemkin", alternative=(("RU", "Bronenosets Potyomkin"),)),
    Film(26317, "tt0019760", "Man with a Movie Camera", "1929-01-08", 68, ("Documentary",),
         "A day of a city, and of the man who films it.",
         "Dziga Vertov", (("Mikhail Kaufman", "Cameraman"),), original_title="Человек с киноаппаратом", language="ru",
         country="SU", rating=7.8, votes=500, popularity=6.8, art="movie-camera"),
    Film(669, "tt0013427", "Nanook of the North", "1922-06-11", 79, ("Documentary",),
         "A year with a hunter and his family in the Canadian Arctic.",
         "Robert J. Flaherty", (("Allakariallak", "Nanook"),), rating=7.2, votes=280, popularity=4.5, art="nanook"),
    Film(905, "tt0018737", "Pandora's Box", "1929-02-09", 133, ("Drama", "Crime"),
         "Lulu, whom everybody wants, ruins everybody, herself first.",
         "G. W. Pabst", (("Louise Brooks", "Lulu"), ("Fritz Kortner", "Dr. Ludwig Schön")),
         original_title="Die Büchse der Pandora", language="de", country="DE", rating=7.6, votes=280, popularity=5.9,
         art="pandoras-box"),
    Film(964, "tt0016220", "The Phantom of the Opera", "1925-09-06", 93, ("Horror", "Drama"),
         "Below the Paris Opera lives a man in a mask who has chosen its next star.",
         "Rupert Julian", (("Lon Chaney", "The Phantom"), ("Mary Philbin", "Christine Daaé")),
         studio="Universal Pictures", rating=7.3, votes=420, popularity=7.5, art="phantom"),
    Film(31503, "tt0036261", "Phantom of the Opera", "1943-08-27", 93, ("Horror", "Music", "Drama"),
         "A violinist whose music was stolen goes down into the sewers with acid on his face.",
         "Arthur Lubin", (("Claude Rains", "Erique Claudin"),), studio="Universal Pictures", rating=6.3, votes=160,
         popularity=4.1),
    Film(22596, "tt0014429", "Safety Last!", "1923-04-01", 74, ("Comedy", "Thriller", "Romance"),
         "A shop assistant must climb the house he works in, clock and all, to win his girl.",
         "Fred C. Newmeyer", (("Harold Lloyd", "The Boy"), ("Mildred Davis", "The Girl")), rating=7.9, votes=480,
         popularity=6.9, art="safety-last"),
    Film(631, "tt0018455", "Sunrise: A Song of Two Humans", "1927-11-04", 95, ("Drama", "Romance"),
         "A farmer tempted to murder follows his wife into the city to ask forgiveness.",
         "F. W. Murnau", (("George O'Brien", "The Man"), ("Janet Gaynor", "The Wife")), studio="Fox Film", rating=7.8,
         votes=760, popularity=8.2, art="sunrise"),
    Film(28963, "tt0015400", "The Thief of Bagdad", "1924-03-18", 149, ("Adventure", "Fantasy", "Romance"),
         "A thief in love with a princess seeks the rarest treasure in the world.",
         "Raoul Walsh", (("Douglas Fairbanks", "The Thief"), ("Anna May Wong", "The Mongol Slave")), rating=7.4, votes=190,
         popularity=4.7, art="thief-of-bagdad"),
    Film(775, "tt0000417", "A Trip to the Moon", "1902-06-15", 15, ("Adventure", "Science Fiction"),
         "Astronomers shoot themselves into the eye of the moon, and meet those who live there.",
         "Georges Méliès", (("Georges Méliès", "Prof. Barbenfouillis"),), original_title="Le Voyage dans la Lune",
         language="fr", country="FR", studio="Star-Film", rating=7.9, votes=1800, popularity=11.0,
         art="trip-to-the-moon", keywords=("moon", "silent film"),
         translations={"fr": Translation("Le Voyage dans la Lune", "Des astronomes se font tirer dans l'œil de la Lune."),
                       "de": Translation("Die Reise zum Mond", "Astronomen schießen sich auf den Mond.")}),
    Film(28966, "tt0018578", "Wings", "1927-08-12", 144, ("Drama", "War", "Romance"),
         "Two young men love the same woman, and fly against the same enemy.",
         "William A. Wellman", (("Clara Bow", "Mary Preston"), ("Buddy Rogers", "Jack Powell")),
         studio="Paramount Pictures", rating=7.3, votes=360, popularity=7.0, art="wings"),
    Film(16093, "tt0055830", "Carnival of Souls", "1962-09-26", 78, ("Horror", "Mystery"),
         "After an accident on a bridge an organist is drawn to a deserted pavilion by a lake.",
         "Herk Harvey", (("Candace Hilligoss", "Mary Henry"), ("Herk Harvey", "The Man")), rating=7.0, votes=520,
         popularity=7.3, art="carnival-of-souls"),
    Film(2760, "tt0017075", "The Lodger: A Story of the London Fog", "1927-02-14", 92, ("Crime", "Drama", "Thriller"),
         "A landlady wonders about the quiet man upstairs, who goes out on the nights of the murders.",
         "Alfred Hitchcock", (("Ivor Novello", "The Lodger"), ("June Tripp", "Daisy")), country="GB", rating=7.1,
         votes=440, popularity=6.2, art="the-lodger"),
    Film(16227, "tt0042369", "D.O.A.", "1950-04-21", 84, ("Crime", "Mystery", "Thriller"),
         "A poisoned man has a few days to find out who killed him.",
         "Rudolph Maté", (("Edmond O'Brien", "Frank Bigelow"),), rating=7.0, votes=300, popularity=5.5,
         alternative=(("US", "DOA"), ("US", "Dead on Arrival"))),
    Film(20246, "tt0045877", "The Hitch-Hiker", "1953-03-20", 71, ("Crime", "Thriller"),
         "Two friends on a fishing trip pick up a man with a gun.",
         "Ida Lupino", (("William Talman", "Emmett Myers"),), rating=6.8, votes=190, popularity=4.2),
    Film(21159, "tt0058276", "The Last Man on Earth", "1964-03-08", 86, ("Horror", "Science Fiction"),
         "By day the last man alive burns the dead; by night they knock.",
         "Ubaldo Ragona", (("Vincent Price", "Dr. Robert Morgan"),), country="IT", rating=6.7, votes=470, popularity=7.6),
    Film(10513, "tt0052077", "Plan 9 from Outer Space", "1957-07-22", 79, ("Horror", "Science Fiction"),
         "Visitors raise the dead to stop mankind from building a bomb.",
         "Edward D. Wood Jr.", (("Bela Lugosi", "Old Man"), ("Vampira", "Ghoul Woman")), rating=4.4, votes=540,
         popularity=8.1),
    Film(5698, "tt0000439", "The Great Train Robbery", "1903-12-07", 12, ("Western", "Crime"),
         "Bandits hold up a train, and the town rides after them.",
         "Edwin S. Porter", (("Justus D. Barnes", "Bandit leader"),), rating=6.9, votes=300, popularity=5.0),
)  # fmt: skip


def _run(
    season: int,
    titles: tuple[str | None, ...],
    first: date,
    *,
    days: int = 7,
    runtime: int = 52,
    absolute: int | None = None,
    finale: str | None = "finale",
) -> tuple[Episode, ...]:
    episodes = []
    for index, title in enumerate(titles):
        kind = "standard"
        if index == len(titles) - 1 and finale:
            kind = finale
        episodes.append(
            Episode(
                season,
                index + 1,
                title,
                first + timedelta(days=days * index),
                f"What happens in “{title}”." if title else "",
                runtime,
                kind,
                None if absolute is None else absolute + index,
            )
        )
    return tuple(episodes)


def _weekdays_until(last: date, count: int) -> list[date]:
    found: list[date] = []
    day = last
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day -= timedelta(days=1)
    return found[::-1]


def series(today: date) -> tuple[Series, ...]:
    """Return the series as of a day; two of them are airing that week."""
    cartographers = (
        *_run(0, ("The Making of a Map", "Behind the Compass Rose"), date(2022, 11, 5), days=370, runtime=24, finale=None),
        *_run(1, ("Terra Incognita", "The Surveyor's Chain", "Hachures", "Meridian", "A Scale of One to One",
                  "The Coast That Moved", "Legend", "True North"), date(2022, 9, 11)),
        *_run(2, ("Datum", "Isobar", "The Paper Town", "Triangulation", "Magnetic Declination", "The Blank Page",
                  "Rhumb Line", "Projection"), date(2024, 3, 3)),
        *_run(3, ("Benchmark", "Soundings", "The Border Commission", "Relief", "Graticule", "Contour Interval",
                  "Inset", None), today - timedelta(days=36)),
    )  # fmt: skip
    harbour = (
        *_run(1, ("Slack Water", "The Pilot", "Leeward", "Night Ferry", "Ballast", "The Harbourmaster's Book",
                  "Fog Signal", "All Ashore"), date(2024, 10, 3), runtime=44),
        *_run(2, ("Spring Tide", "Undertow", "The Quarantine Flag", "Dry Dock", "Lighterman", "Breakwater",
                  "Storm Glass", "Safe Conduct"), today - timedelta(days=37), runtime=44),
    )  # fmt: skip
    radio = _run(1, ("Sign-On", "Carrier Wave", "The Caller", "Skip Distance", "Number Station", "Feedback",
                     "Open Line", "Dead Air", "Squelch", "Sign-Off"), today - timedelta(days=48), runtime=31)  # fmt: skip
    orbit = (
        *_run(1, ("Insertion", "Apogee", "The Long Dark", "Drift", "Attitude Control", "Reentry"), date(2019, 1, 18)),
        *_run(2, ("Second Burn", "The Silent Module", "Lagrange", "Graveyard Orbit", "Telemetry", "Splashdown"),
              date(2020, 2, 7)),
    )  # fmt: skip
    salt = _run(1, ("The Foundry", "Brine", "Slag", "The Strike", "Quench", "Temper"), date(2021, 5, 2), runtime=58)
    beyond_first = (
        "The Bride Possessed", "Night of April 14th", "Emergency Only", "The Dark Room", "Twelve Hours to Live",
        "Epilogue", "The Dream", "Premonition", "The Dead Part of the House", "The Vision",
    )  # fmt: skip
    beyond_second = (
        "Delusion",
        "Ordeal on Locust Street",
        "Brainwave",
        "Doomsday",
        "Night of the Kill",
        "The Inheritance",
    )
    vampires = (
        "The Severed Head", "The Ring That Kills", "The Red Codebook", "The Spectre", "Dead Man's Escape",
        "Hypnotic Eyes", "Satanas", "The Thunder Master", "The Poisoner", "The Terrible Wedding",
    )  # fmt: skip
    lantern = (
        "First Delivery", "The Bridge at Dusk", "A Letter Without a Name", "Rain Route", "The Fox at the Gate",
        "Lantern Festival", "Two Addresses", "The Old Post Road", "Snow on the Parcel", "The Rival Courier",
        "What the River Carried", "Return to Sender",
    )  # fmt: skip
    days = _weekdays_until(today, 30)
    bulletin = tuple(
        Episode(day.year, day.timetuple().tm_yday, f"{day:%-d %B %Y}", day, f"The news of {day:%A, %-d %B %Y}.", 22)
        for day in days
    )
    return (
        Series(210101, 410101, "tt9910101", "The Cartographers", ("Drama", "Sci-Fi & Fantasy"),
               "A family of map-makers finds that the places they draw begin to exist, and that somebody is erasing.",
               "Ines Marlow", "Meridian", "Returning Series", cartographers,
               (("Ada Quill", "Ines Vane"), ("Tomas Reyer", "Edmund Vane"), ("Mirela Stan", "The Surveyor")),
               country="GB", certification="TV-14", rating=8.4, votes=910, popularity=58.0, art="cartographers",
               backdrop="backdrop-cartographers", tagline="Draw it, and it is there.", keywords=("map", "family"),
               translations={"de": Translation("Die Kartografen", "Eine Familie zeichnet Orte, die dann entstehen."),
                             "fr": Translation("Les Cartographes", "Une famille dessine des lieux qui existent ensuite.")}),
        Series(210102, 410102, "tt9910102", "Harbour Lights", ("Drama", "Crime"),
               "A harbour pilot on a small island sees a ship that no register knows.",
               "Orla Finch", "Northsea One", "Returning Series", harbour,
               (("Nell Carrow", "Signe Holt"), ("David Osei", "Inspector Lunde")), country="IE", certification="TV-MA",
               rating=7.9, votes=402, popularity=41.0, art="harbour-lights", keywords=("harbour", "island"),
               alternative=(("US", "Harbor Lights"),)),
        Series(210103, 410103, "tt9910103", "Night Shift Radio", ("Comedy", "Mystery"),
               "The host of a programme nobody hears answers a caller who knows tomorrow's news.",
               "Jun Park", "Halfwave", "Returning Series", radio, (("Carla Weeks", "Dot"), ("Ravi Menon", "The Caller")),
               certification="TV-PG", rating=7.6, votes=188, popularity=27.0, art="night-shift-radio"),
        # Nosferatu has the same id: a film and a series may share one.
        Series(653, 410104, "tt9910104", "Quiet Orbit", ("Sci-Fi & Fantasy", "Drama"),
               "One astronaut, one station, and a voice from a module that was never launched.",
               "Lena Abrams", "Apogee", "Ended", orbit, (("Lena Abrams", "Cmdr. Ito"),), rating=7.8, votes=266,
               popularity=19.0, art="quiet-orbit", certification="TV-14"),
        Series(210105, 410105, "tt9910105", "Salt and Iron", ("Drama", "War & Politics"),
               "A foundry town and the salt works across the river, in the year they stopped sharing a bridge.",
               "Piotr Zielak", "Kanal 4", "Ended", salt, (("Anna Ruda", "Marta"),), original_title="Sól i żelazo",
               language="pl", country="PL", type="Miniseries", rating=8.0, votes=140, popularity=11.0, art="salt-and-iron"),
        Series(32340, 172381, "tt1548743", "Pioneer One", ("Drama", "Sci-Fi & Fantasy"),
               "A capsule falls on Montana, and the young man inside says that he was born on Mars.",
               "Josh Bernhard", "VODO", "Ended",
               _run(1, ("Earthfall", "The Man from Mars", "Alone in the Night", "Triangular Diplomacy", "Sea Change",
                        "War of the World"), date(2010, 6, 16), days=90, runtime=37),
               (("Aleksandr Evtushenko", "Yuri"), ("James Rich", "Tom Taylor")), rating=6.4, votes=34, popularity=4.0,
               art="pioneer-one"),
        Series(3566, 71471, "tt0052451", "One Step Beyond", ("Mystery", "Drama", "Sci-Fi & Fantasy"),
               "Stories from the edge of what can be explained, told as if they had happened.",
               "Merwin Gerard", "ABC", "Ended",
               (*_run(1, beyond_first, date(1959, 1, 20), runtime=25), *_run(2, beyond_second, date(1959, 9, 15), runtime=25)),
               (("John Newland", "Host"),), rating=7.2, votes=60, popularity=6.0, art="one-step-beyond",
               alternative=(("US", "Alcoa Presents: One Step Beyond"),), certification="TV-PG"),
        Series(33319, 124941, "tt0006206", "Les Vampires", ("Crime", "Mystery"),
               "A reporter in Paris hunts a gang of thieves in black, and Irma Vep hunts him.",
               "Louis Feuillade", "Gaumont", "Ended", _run(1, vampires, date(1915, 11, 13), days=21, runtime=42),
               (("Musidora", "Irma Vep"), ("Édouard Mathé", "Philippe Guérande")), language="fr", country="FR",
               type="Miniseries", rating=7.3, votes=90, popularity=6.5, art="les-vampires",
               translations={"fr": Translation("Les Vampires", "Un reporter poursuit une bande de voleurs en noir.")}),
        Series(210106, 410106, "tt9910106", "Paper Lantern Courier", ("Animation", "Sci-Fi & Fantasy"),
               "A girl carries letters between the living and the dead, on foot, before the lantern burns down.",
               "Haru Minase", "Tokyo Nine", "Returning Series",
               (*_run(1, lantern, date(2024, 4, 6), runtime=24, absolute=1),
                *_run(2, lantern[::-1], date(2025, 4, 5), runtime=24, absolute=13)),
               (("Haru Minase", "Koto (voice)"),), original_title="紙灯籠の飛脚", language="ja", country="JP", rating=8.1,
               votes=310, popularity=33.0, keywords=("anime", "post"), alternative=(("JP", "Kami Tōrō no Hikyaku"),)),
        Series(210107, 410107, "tt9910107", "The Evening Bulletin", ("News", "Talk"),
               "What happened today, read slowly.",
               "Newsroom", "Channel One", "Returning Series", bulletin, (("Maud Ellery", "Herself"),), country="GB",
               type="News", rating=6.5, votes=12, popularity=3.0),
    )  # fmt: skip
