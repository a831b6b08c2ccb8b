"""Names and texts of the generated world. Persons and companies are fictional; emails end in `.example`."""


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


FIRST = _words(
    "Abena Adaeze Aiko Alma Amara Anselm Asha Astrid Bao Beatriz Bruno Carlo Chidi Clara Dalia Dario "
    "Dilan Edda Ekene Elif Emre Esme Farah Felix Freya Gaia Goran Hana Hugo Ida Ilse Imran "
    "Ines Ivo Jasna Jonas Kaia Kofi Lars Leila Lior Lucia Mads Mara Milan Mina Nadia Nils "
    "Noemi Odin Oona Pavel Pia Rafael Rosa Sami Selin Tariq Tove Uma Viggo Wanda Yara Zeno"
)

LAST = _words(
    "Abara Ahlgren Akande Albers Amato Aydin Barros Bekele Bertrand Brandt Calder Chukwu Costa Dahl "
    "Demir Duarte Eklund Engel Falk Ferrari Fofana Gallo Ganz Haddad Halvorsen Horvat Ibsen Ito Jansen Juric "
    "Kaplan Keller Kimura Kovac Lam Lindqvist Lorenz Maas Mensah Moreau Nakata Nowak Obi Olsen Osei Paredes "
    "Petrov Quist Rahman Reyes Rossi Sato Schuster Silva Sorel Tanaka Torres Uhl Varga "
    "Vidal Weiss Yilmaz Zang Zuber"
)

COMPANIES = _words(
    "alder birch cedar dune elm fjord grove harbor inlet jetty kelp lagoon meadow north orchard pine "
    "quarry reef summit tundra upland valley willow xylem yonder zenith brook cliff delta ember forge glade"
)

TIMEZONES = (
    "Europe/Berlin",
    "Europe/Amsterdam",
    "Europe/Lisbon",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Tokyo",
    "Africa/Lagos",
    "Australia/Sydney",
)

ANSWERS = (
    "Pricing for a larger team",
    "A look at the reports",
    "We are moving from another tool",
    "Questions on security\nand on where data is kept",
    "Zoë told me to book, thanks!",
)

CANCEL_REASONS = ("Sick today", "No longer needed", "Found another time", "Travel plans changed", None)

CAMPAIGNS = ("autumn", "newsletter", "webinar")
