"""The four meetings of the played year: an ordinary one, a late one, a demanded one and a disputed one."""

from __future__ import annotations

from api.demo.council import Agenda, Held, Story
from api.demo.people import PEOPLE
from domain.messages import fresh_id

EVERYONE = ["chair", "vice", "second", "police", "rescue", "security", "association"]


def spring(story: Story) -> None:
    """The first meeting: everything as it should be."""
    story.stage.at("2024-02-12T10:15")
    picture = story.matter("Lägesbild för Lerums kommun 2024", "KS24.041")
    plan = story.matter("Åtgärdsplan för det brottsförebyggande arbetet", "KS24.042")
    meeting = story.schedule("2024-03-05T13:00", "2024-03-05T15:30", "Kommunhuset, rum Exemplet")
    story.add(
        meeting,
        Agenda("Val av vice ordförande", None, "Ordföranden", "13:20"),
        Agenda("Lägesbild våren 2024", picture, "Polly Exempelsson", "13:30", ("Utkast till lägesbild",)),
        Agenda("Åtgärdsplan 2024–2025", plan, "Säkerhetschefen", "14:15", ("Förslag till åtgärdsplan",)),
    )
    story.call(meeting, "2024-02-19T09:20", EVERYONE)
    story.post("secretary", f"/meetings/{meeting}/notify-hinder", person=story.people["second"])
    held = Held(
        meeting, opens="2024-03-05T13:02", closes="2024-03-05T15:20",
        present=["chair", "vice", "police", "rescue"], experts=["security"], guests=["association"], justerare="police",
    )  # fmt: skip
    with story.holding(held) as hold:
        hold.report(4, "police", "Färre inbrott i bostäder än förra våren; fler bedrägerier mot äldre.")
        hold.report(
            4, "security", "Belysningen vid två gångstråk är åtgärdad. Trygghetsvandring planeras i april."
        )
        hold.decide(5, ["Till vice ordförande för 2024 utses kommunstyrelsens förste vice ordförande."])
        story.post(
            "chair", f"/bodies/{story.bodies['council']}/elect-vice-chair", person=story.people["vice"],
            meeting=meeting, valid_from="2024-03-05", valid_to="2024-12-31",
        )  # fmt: skip
        hold.report(
            6, "police", "Lägesbilden bygger på anmälningar, trygghetsmätning och samtal med skolorna."
        )
        hold.decide(
            6, ["Rådet ställer sig bakom lägesbilden.", "Lägesbilden ligger till grund för åtgärdsplanen."]
        )
        hold.leaves("vice", after=6)
        hold.propose(
            7,
            "security",
            "Åtgärdsplanen inriktas på bedrägerier mot äldre, narkotika kring skolor och trygga gångstråk.",
        )
        hold.decide(
            7, ["Rådet lämnar förslaget till åtgärdsplan vidare till kommunstyrelsen."],
            dispatch=["Säkerhetsenheten", "Sektor utbildning"], adopts=1,
        )  # fmt: skip
    minutes = story.minutes(
        held, "2024-03-06T10:00",
        {4: "Polisen och förvaltningen redogjorde för läget.", 6: "Polisen presenterade utkastet till lägesbild.",
         7: "Säkerhetschefen presenterade förslaget."},
    )  # fmt: skip
    story.approve(minutes, 2, "2024-03-11T15:40", "chair", "2024-03-12T08:55", "police")
    story.afterwards(minutes, "2024-03-13T09:30", number="KS24.097", paragraph="§ 61", noted="2024-04-10",
                     dispatched=[(7, "Säkerhetsenheten"), (7, "Sektor utbildning")])  # fmt: skip


def late(story: Story) -> None:
    """The second: called four days before, and the reason given later."""
    story.stage.at("2024-05-02T09:00")
    lights = story.matter("Trygghetsvandring och belysning", "KS24.118")
    meeting = story.schedule("2024-05-28T09:00", "2024-05-28T11:00", "Räddningsstationen, lektionssalen")
    note = "Minnesanteckning från vandringen"
    story.add(meeting, Agenda("Trygghetsvandring i april", lights, "Säkerhetschefen", "09:45", (note,)))
    story.call(meeting, "2024-05-24T16:10", [*EVERYONE, "probation"])
    story.post(
        "police",
        f"/meetings/{meeting}/notify-hinder",
        person=story.people["police"],
        reason="Tjänstgöring på annan ort",
    )
    story.post(
        "secretary", f"/meetings/{meeting}/call-substitute", hindered=story.people["police"],
        substitute=story.people["police-substitute"],
    )  # fmt: skip
    held = Held(
        meeting, opens="2024-05-28T09:00", closes="2024-05-28T10:50", present=["chair", "vice", "second", "rescue"],
        substitutes={"police-substitute": "police"}, coopted=["probation"], experts=["security"],
        guests=["association"], justerare="rescue",
    )  # fmt: skip
    with story.holding(held) as hold:
        hold.report(
            4, "police-substitute", "Läget är lugnt inför skolavslutningarna. Extra närvaro är planerad."
        )
        hold.report(4, "probation", "Kriminalvården berättade om frivårdens stöd efter avtjänat straff.")
        hold.report(5, "security", "Trettio personer gick med. Fem platser behöver bättre belysning.")
        hold.decide(
            5,
            ["Rådet ber förvaltningen att återkomma om belysningen i september."],
            dispatch=["Samhällsbyggnad"],
        )
    story.stage.at("2024-05-29T08:30")
    story.post(
        "secretary", f"/meetings/{meeting}/give-notice-reason", issue=1,
        reason="Lokalen blev klar först den 24 maj; tid och ärenden hade meddelats muntligt tidigare.",
    )  # fmt: skip
    minutes = story.minutes(
        held, "2024-05-29T13:00", {4: "Rapporter lämnades.", 5: "Säkerhetschefen berättade om vandringen."}
    )
    story.approve(minutes, 2, "2024-06-03T10:05", "chair", "2024-06-04T11:30", "rescue")
    story.afterwards(minutes, "2024-06-05T09:00", number="KS24.171", paragraph="§ 118", noted="2024-06-12",
                     dispatched=[(5, "Samhällsbyggnad")])  # fmt: skip


def demanded(story: Story) -> None:
    """The third: more than half of the members asked for it."""
    s, people, council = story.stage, story.people, story.bodies["council"]
    s.at("2024-09-02T08:10")
    for one in PEOPLE:  # the tokens from last autumn are about to expire
        s.let_in(one.key, people[one.key])
    demand = fresh_id()
    story.post(
        "police", f"/bodies/{council}/demand-meeting", demand=demand, persons=[people["police"]],
        subject="Oro kring en fritidsgård efter sommaren",
    )  # fmt: skip
    s.at("2024-09-02T16:45")
    story.post(
        "secretary",
        f"/bodies/{council}/join-demand",
        demand=demand,
        persons=[people["rescue"], people["vice"]],
    )
    s.at("2024-09-03T09:00")
    centre = story.matter("Trygghet kring fritidsgården", "KS24.233")
    meeting = story.schedule(
        "2024-09-17T15:00", "2024-09-17T16:30", "Kommunhuset, rum Exemplet", demand=demand
    )
    story.add(meeting, Agenda("Läget kring fritidsgården", centre, "Polly Exempelsson", "15:20"))
    story.call(meeting, "2024-09-05T13:00", [*EVERYONE, "school"])
    held = Held(
        meeting, opens="2024-09-17T15:00", closes="2024-09-17T16:25",
        present=["chair", "vice", "second", "police", "rescue"], experts=["security"], invited=["school"],
        justerare="vice",
    )  # fmt: skip
    with story.holding(held) as hold:
        hold.report(4, "police", "Inget utöver det som tas upp under nästa punkt.")
        hold.report(5, "school", "Personalen behöver stöd på kvällstid under hösten.")
        hold.decide(
            5,
            ["Rådet rekommenderar samlad närvaro två kvällar i veckan till årsskiftet.", "Följs upp vid nästa möte."],
            dispatch=["Sektor utbildning", "Polismyndigheten"],
        )  # fmt: skip
    minutes = story.minutes(
        held, "2024-09-18T09:15", {4: "Rapporter lämnades.", 5: "Mötet hölls på begäran av rådets medlemmar."}
    )
    story.approve(minutes, 2, "2024-09-20T14:00", "chair", "2024-09-23T09:45", "vice")
    story.afterwards(minutes, "2024-09-24T10:00", number="KS24.251", paragraph="§ 164", noted="2024-10-09",
                     dispatched=[(5, "Sektor utbildning"), (5, "Polismyndigheten")])  # fmt: skip


def disputed(story: Story) -> None:
    """The fourth: a dissent, a draft sent back, and in January a correction."""
    s = story.stage
    s.at("2024-11-04T10:00")
    cameras = story.matter("Förutsättningar för kamerabevakning", "KS24.290")
    meeting = story.schedule("2024-12-03T13:00", "2024-12-03T15:00", "Kommunhuset, rum Exemplet")
    story.add(
        meeting, Agenda("Kamerabevakning vid resecentrum", cameras, "Säkerhetschefen", "13:40", ("Tjänsteskrivelse",)),
        Agenda("Uppföljning av åtgärdsplanen", None, "Säkerhetschefen", "14:20"),
    )  # fmt: skip
    story.call(meeting, "2024-11-21T10:30", EVERYONE)
    held = Held(
        meeting, opens="2024-12-03T13:05", closes="2024-12-03T14:55",
        present=["chair", "vice", "second", "police", "rescue"],
        experts=["security"], guests=["association"], justerare="rescue",
    )  # fmt: skip
    with story.holding(held) as hold:
        hold.report(4, "police", "Bedrägerierna mot äldre minskar efter informationsträffarna.")
        hold.propose(
            5, "security", "Rådet rekommenderar kommunstyrelsen att ansöka om kamerabevakning på prov."
        )
        hold.decide(
            5, ["Rådet rekommenderar kommunstyrelsen att pröva kamerabevakning vid resecentrum under 12 månader."],
            dispatch=["Kommunstyrelsen"], adopts=1,
        )  # fmt: skip
        hold.abstain(5, "second")
        hold.report(6, "security", "Sju av tio åtgärder är genomförda.")
    # Said at the meeting, noted the morning after: the log keeps both times.
    s.at("2024-12-04T08:15")
    story.post(
        "secretary", f"/meetings/{meeting}/record-dissent", item=5, participant=story.people["association"],
        view="Bättre belysning och vuxna på plats bör prövas innan människor kamerabevakas.",
        happened="2024-12-03T14:20",
    )  # fmt: skip
    minutes = story.minutes(
        held, "2024-12-04T09:00",
        {4: "Rapporter lämnades.", 5: "Frågan diskuterades ingående.", 6: "Uppföljningen redovisades."},
    )  # fmt: skip
    s.at("2024-12-06T11:20")
    story.post(
        "rescue", f"/minutes/{minutes}/return-minutes", version=2,
        comment="Under punkt 5 saknas att räddningstjänsten frågade om vem som får se bilderna.",
    )  # fmt: skip
    s.at("2024-12-06T14:00")
    story.post(
        "secretary", f"/minutes/{minutes}/edit-minutes", base=2,
        texts={"4": "Rapporter lämnades.", "6": "Uppföljningen redovisades.",
               "5": "Frågan diskuterades ingående. Räddningstjänsten frågade vem som får se bilderna; "
                    "frågan tas med i ansökan."},
    )  # fmt: skip
    story.circulate(minutes, 3, held)
    story.approve(minutes, 3, "2024-12-09T09:10", "chair", "2024-12-10T13:25", "rescue")
    story.afterwards(minutes, "2024-12-11T09:00", number="KS24.322", paragraph="§ 9", noted="2025-01-15",
                     dispatched=[(5, "Kommunstyrelsen")])  # fmt: skip
    s.at("2025-01-20T10:00")
    correction = story.post(
        "secretary", "/minutes/correct-minutes", corrects=minutes,
        entries=[{"item": 6, "original": "Sju av tio åtgärder är genomförda.",
                  "corrected": "Sex av tio åtgärder är genomförda.",
                  "reason": "En åtgärd var påbörjad men inte avslutad."}],
    )  # fmt: skip
    story.circulate(correction, 1, held)
    story.approve(correction, 1, "2025-01-21T09:00", "chair", "2025-01-21T16:30", "rescue")
    s.at("2025-01-22T09:00")
    story.send(correction)
    story.post(
        "registrar",
        f"/minutes/{correction}/send-notification",
        to_body=story.bodies["board"],
        channel="e-mail",
    )
