"""Sheets for the paper tests: invented people in an invented municipality."""

from dataclasses import replace
from datetime import UTC, datetime

from projections.paper.sheets import (
    AgendaRow,
    Attendee,
    Copy,
    Correction,
    CorrectionRow,
    Enclosure,
    Extract,
    Fact,
    FirstPage,
    Head,
    Item,
    Kallelse,
    Letterhead,
    Masked,
    Minutes,
    Notification,
    NotifiedDocument,
    Report,
    Review,
    ReviewPart,
    ReviewRow,
    Signer,
    Statement,
    Task,
    Text,
    Words,
)

RECORDED = datetime(2024, 5, 21, 9, 30, tzinfo=UTC)
LETTERHEAD = Letterhead(
    municipality="Exempelby kommun",
    unit="Kommunledningskontoret",
    contact=("Torggatan 1, 123 45 Exempelby", "kommun@exempelby.example"),
    example=True,
)


def head(kind: str = "Mötesanteckningar", *, draft: bool = False, date: Text = "2024-05-17") -> Head:
    """The head of a sample paper."""
    return Head(
        letterhead=LETTERHEAD,
        body="Trygghetsrådet",
        kind=kind,
        date=date,
        diarienummer="KS24.118",
        short_code="7K4M-Q2XR",
        recorded_at=RECORDED,
        draft=draft,
        check="Äkthet kontrolleras på liggaren.exempelby.example",
    )


PRESENT = (
    Attendee(name="Karin Lindqvist", organisation="Kommunstyrelsen (S)", role="Ordförande"),
    Attendee(
        name="Per Ahlström", organisation="Kommunstyrelsen (M)", role="Vice ordförande", note="t.o.m. punkt 4"
    ),
    Attendee(name="Farida Noori", organisation="Polismyndigheten, lokalpolisområdet", role="Ledamot"),
    Attendee(name="Gunnar Öberg", organisation="Räddningstjänsten", role="Ledamot"),
    Attendee(name="Maja Sandström", organisation="Säkerhetsenheten", role="Sekreterare"),
)
HINDERED = (Attendee(name="Åsa Nyström", organisation="Utbildningsförvaltningen", role="Ledamot"),)
FIRST = FirstPage(
    time_and_place="Fredagen den 17 maj 2024 kl. 09.00–11.30\nKommunhuset, sammanträdesrum Eken",
    present=PRESENT,
    substitutes=(
        Attendee(
            name="Lars Holm",
            organisation="Räddningstjänsten",
            role="Ersättare",
            note="för Gunnar Öberg från punkt 5",
        ),
    ),
    coopted=(
        Attendee(name="Sofia Brandt", organisation="Fastighetsägarna", role="Adjungerad", note="punkt 4"),
    ),
    hindered=HINDERED,
    justerare=("Farida Noori",),
    justering="Digitalt senast den 31 maj 2024",
    sections="1–9",
)
SIGNERS = (
    Signer(name="Maja Sandström", role="Sekreterare", sections="Punkt 1–9"),
    Signer(name="Karin Lindqvist", role="Ordförande", sections="Punkt 1–9"),
    Signer(name="Farida Noori", role="Justerare", sections="Punkt 1–9"),
)
QR = "https://liggaren.exempelby.example/k/7K4M-Q2XR"

PROSE = (
    "Lokalpolisområdet redovisar den gemensamma lägesbilden för årets fyra första månader. Anmälda "
    "tillgrepp i centrum har minskat, medan skadegörelse vid skolgårdar har ökat under kvällar och helger. "
    "Räddningstjänsten "
    "bekräftar bilden och lyfter fram anlagda bränder i återvinningskärl.\n"
    "Rådet diskuterar sambandet mellan belysning, öppettider på fritidsgården och vuxennärvaro. Skolan "
    "har goda erfarenheter av samverkan med föreningar. Frågan följs upp vid nästa möte."
)
TITLES = (
    "Val av justerare",
    "Fastställande av dagordning",
    "Genomgång av föregående mötesanteckningar",
    "Gemensam lägesbild januari–april 2024",
    "Åtgärdsplan: uppföljning av belysning vid gång- och cykelvägar",
    "Trygghetsvandring i Norrby",
    "Nytt från myndigheterna",
    "Nytt från kommunens verksamheter",
    "Övriga frågor",
)


def item(number: int, title: str, *, long: bool = False) -> Item:
    """A punkt with every part filled when it is long."""
    if not long:
        return Item(
            title=title,
            mark=f"Punkt {number}",
            summary="Ordföranden redogör för ärendet.",
            decisions=("Trygghetsrådet noterar informationen.",),
        )
    return Item(
        title=title,
        mark=f"Punkt {number}",
        diarienummer="KS24.118",
        notes=(Fact(label="Föredragande", value="Farida Noori"),),
        summary=PROSE + "\n" + PROSE,
        reports=(
            Statement(who="Polisen", text=PROSE),
            Statement(who="Räddningstjänsten", text="Elva insatser under perioden."),
        ),
        basis=("Lägesbild 2024:1, daterad 2024-05-02", "Tjänsteskrivelse 2024-05-08"),
        proposals=(
            Statement(
                who="Per Ahlström", text="Rådet bör be fastighetsägarna om en gemensam belysningsplan."
            ),
        ),
        decisions=(
            "Trygghetsrådet ställer sig bakom lägesbilden.",
            (
                "Säkerhetsenheten får i uppdrag att ta fram förslag till åtgärder vid skolgårdar "
                "och redovisa dem vid nästa möte."
            ),
            "Frågan om fritidsgårdens öppettider lämnas över till berörd förvaltning.",
        ),
        tasks=(
            Task(what="Förslag till åtgärder vid skolgårdar", owner="Säkerhetsenheten", due="2024-09-13"),
            Task(what="Kontakt med fastighetsägarna", owner="Sofia Brandt", due=None),
        ),
        dissents=(
            Statement(who="Per Ahlström", text="Lägesbilden borde även ha omfattat trygghet i hemmet."),
        ),
        statements=(
            Statement(
                who="Gunnar Öberg", text="Räddningstjänsten lämnar ett skriftligt yttrande, se bilaga 3."
            ),
        ),
        abstained=("Lars Holm",),
        dispatch=("Kommunstyrelsen", "Utbildningsnämnden", "Lokalpolisområdet"),
    )


def short_minutes(*, draft: bool = False) -> Minutes:
    """One meeting with two items."""
    return Minutes(
        head=head(draft=draft),
        first_page=FirstPage(
            time_and_place="2024-05-17 kl. 09.00, kommunhuset",
            present=PRESENT[:3],
            justerare=None,
            justering=None,
            sections="1–2",
        ),
        items=(item(1, TITLES[0]), item(2, TITLES[3])),
        signers=SIGNERS[1:],
        qr=QR,
        words=Words(number="Punkt", sections="Punkter"),
    )


def long_minutes(*, web: bool = False) -> Minutes:
    """Nine items over about seven pages; some break over a page."""
    return Minutes(
        head=head(),
        first_page=FIRST,
        items=tuple(item(i, t, long=i in (4, 5, 6, 7, 8)) for i, t in enumerate(TITLES, 1)),
        signers=SIGNERS,
        qr=QR,
        words=Words(number="Punkt", sections="Punkter"),
        web=web,
    )


def kallelse() -> Kallelse:
    """A call with nine items."""
    rows = (
        ("", "Karin Lindqvist", "09.00", ""),
        ("", "", "", ""),
        ("KS24.118", "Maja Sandström", "09.10", "1"),
        ("KS24.118", "Farida Noori", "09.20", "2"),
        ("KS23.276", "Maja Sandström", "09.50", "3–4"),
        ("KS24.201", "Sofia Brandt", "10.15", ""),
        ("", "Representanterna", "10.40", ""),
        ("", "Förvaltningarna", "11.00", ""),
        ("", "", "11.20", ""),
    )
    return Kallelse(
        head=head("Kallelse"),
        time="Fredagen den 17 maj 2024 kl. 09.00–11.30",
        place="Kommunhuset, sammanträdesrum Eken, eller på distans via länk i inbjudan",
        called=PRESENT + HINDERED,
        agenda=tuple(
            AgendaRow(number=str(i), title=t, diarienummer=d, presenter=p, time=k, enclosure=b)
            for i, (t, (d, p, k, b)) in enumerate(zip(TITLES, rows, strict=True), 1)
        ),
        further=(Fact(label="Justering", value="Digitalt senast den 31 maj 2024"),),
        enclosures=(
            Enclosure(number="1", title="Mötesanteckningar 2024-02-16", status="Bilaggs"),
            Enclosure(number="2", title="Gemensam lägesbild 2024:1", status="Bilaggs"),
            Enclosure(number="3", title="Åtgärdsplan 2024–2025", status="Bilaggs"),
            Enclosure(number="4", title="Uppföljning av åtgärdsplanen", status="Bilaggs ej"),
        ),
        hinder="Förhinder anmäls till sekreteraren, tfn 0123-456 78, så snart som möjligt. "
        "Ange vem som kommer i stället.",
        signed_place="Exempelby",
        signed_date="2024-05-08",
        chair="Karin Lindqvist",
        secretary="Maja Sandström",
    )


def extract() -> Extract:
    """One punkt, certified."""
    return Extract(
        head=head("Protokollsutdrag"),
        source="Mötesanteckningar 2024-05-17, punkt 6",
        first_page=FirstPage(
            time_and_place=FIRST.time_and_place, present=PRESENT, justerare=("Farida Noori",), sections="6"
        ),
        items=(item(6, TITLES[5]),),
        certified_place="Exempelby",
        certified_date="2024-06-03",
        certifier=Signer(name="Maja Sandström", role="Sekreterare"),
        qr=QR,
        words=Words(number="Punkt", sections="Punkter"),
    )


def copy() -> Copy:
    """A punkt with a dissent that is covered."""
    covered = Masked("OSL 18 kap. 1 §")
    return Copy(
        head=head("Maskad kopia"),
        concerns=(
            Fact(label="Kopia av", value="Mötesanteckningar från den 17 maj 2024, Punkt 6"),
            Fact(label="Maskat enligt", value="OSL 18 kap. 1 §"),
        ),
        first_page=FirstPage(time_and_place=FIRST.time_and_place, present=PRESENT, sections="6"),
        items=(replace(item(6, TITLES[5]), dissents=(Statement(text=covered, who="Farida Noori"),)),),
        qr=QR,
        words=Words(number="Punkt", sections="Punkter"),
    )


def correction() -> Correction:
    """Two passages corrected."""
    return Correction(
        head=head("Rättelseblad", date="2024-06-10"),
        concerns=(
            Fact(label="Avser", value="Mötesanteckningar 2024-05-17"),
            Fact(label="Upptäckt av", value=None),
        ),
        rows=(
            CorrectionRow(
                where="Punkt 4, Sammanfattning",
                original="Anmälda tillgrepp i centrum har ökat.",
                corrected="Anmälda tillgrepp i centrum har minskat.",
            ),
            CorrectionRow(
                where="Punkt 5, Beslut 2",
                original="Redovisas den 13 oktober 2024.",
                corrected="Redovisas den 13 september 2024.",
            ),
        ),
        reason="Skrivfel.",
        recipients=("Ledamöterna", "Kommunstyrelsen", "Utbildningsnämnden"),
        signers=SIGNERS[1:],
        qr=QR,
    )


def report() -> Report:
    """A report to the board, dated, with an enclosure that does not go with it."""
    return Report(
        head=head("Tjänsteskrivelse"),
        subject="Återrapport om trygghetsarbetet, första halvåret",
        facts=(
            Fact(label="Handläggare", value="Säkerhetschefen"),
            Fact(label="Avdelning", value="Kommunledningskontoret"),
            Fact(label="Till", value="Kommunstyrelsen"),
        ),
        proposal=(
            "Kommunstyrelsen godkänner återrapporten.",
            "Kommunstyrelsen ger förvaltningen i uppdrag att följa upp åtgärdsplanen.",
        ),
        sections=(
            Fact(label="Beslutsnivå", value="Kommunstyrelsen"),
            Fact(label="Sammanfattning", value="Rådet har hållit två möten och gått igenom lägesbilden."),
            Fact(label="Bakgrund", value="Rådet rapporterar varje halvår till kommunstyrelsen."),
            Fact(
                label="Ärendebeskrivning",
                value="Polisen redovisade läget i centrum.\nSkolan redovisade sina åtgärder.",
            ),
            Fact(label="Bedömning", value="Arbetet följer åtgärdsplanen."),
        ),
        consequences=(
            Fact(label="Ekonomi", value="Ryms inom budget."),
            Fact(label="Miljö", value="Inga."),
            Fact(label="Medborgare", value="Tryggare torg."),
            Fact(label="Barn", value=None),
        ),
        enclosures=(
            Enclosure(number="1", title="Mötesanteckningar 17 maj 2024", status="Bilaggs"),
            Enclosure(number="2", title="Samverkansöverenskommelse", status="Bilaggs ej"),
        ),
        dispatch=("Trygghetsrådet", "Polisområdet"),
        signed="Undertecknad",
        signatories=(
            Attendee(name="Maja Sandström", role="Kommundirektör"),
            Attendee(name="Lars Holm", role="Säkerhetschef"),
        ),
    )


def review() -> Review:
    """A review of a year with two meetings, one of them called late."""
    called = ReviewRow(
        step="Kallelsetid",
        observation="Sänd 2024-05-12, 5 dagar före mötesdagen. Skälet är angivet.",
        finding="Iakttaget: kort varsel",
        criterion="Utgångspunkten är att kallelsen sänds minst en vecka före mötesdagen.",
        source="KS23.276 2.3 (L15)",
        positions="41, 43",
    )
    sent = ReviewRow(
        step="Utskick",
        observation="Till 4 mottagare, 2024-05-30, 9 dagar efter godkännandet.",
        criterion="Anteckningarna ska sändas till rådets ledamöter.",
        source="KS23.276 2.3 (L14)",
        positions="88",
    )
    nothing = ReviewRow(step="Expediering", observation="Inget är infört.", criterion="–", positions="–")
    return Review(
        head=head("Granskning", date="2024"),
        facts=(Fact(label="Organ", value="Trygghetsrådet"), Fact(label="År", value="2024")),
        explanation="Där ingen sista dag finns anges dagar, och det är ingen brist.",
        parts=(
            ReviewPart(title="Sammanträdet den 17 maj 2024", rows=(called, sent, nothing)),
            ReviewPart(title="Sammanträdet den 3 oktober 2024", rows=(sent, nothing)),
        ),
    )


def notification() -> Notification:
    """Notes handed to the registrar."""
    return Notification(
        head=head("Anmälan", date="2024-06-03"),
        recipient=("Kommunstyrelsen", "Registrator"),
        subject="Anmälan av mötesanteckningar från trygghetsrådet",
        text="Trygghetsrådets godkända mötesanteckningar överlämnas "
        "för registrering och anmälan till kommunstyrelsen.",
        facts=(
            Fact(label="Organ", value="Trygghetsrådet"),
            Fact(label="Mötesdag", value="2024-05-17"),
            Fact(label="Godkända", value="2024-05-30"),
            Fact(label="Diarienummer", value=None),
        ),
        documents=(
            NotifiedDocument(
                title="Mötesanteckningar 2024-05-17",
                file_name="motesanteckningar-2024-05-17.pdf",
                pages="7",
                sha256="9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            ),
        ),
        request="Vänligen meddela diarienumret till säkerhetsenheten.",
        signed_place="Exempelby",
        signed_date="2024-06-03",
        sender="Maja Sandström",
        sender_title="Sekreterare",
    )
