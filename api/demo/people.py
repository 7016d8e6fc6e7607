"""The people of the played story: officials by their titles, everybody else plainly invented."""

from __future__ import annotations

from typing import NamedTuple


class Someone(NamedTuple):
    """A person of the story: the story's name for them, and what the register holds."""

    key: str
    name: str
    title: str | None
    organisation: str
    signs: bool = False


PEOPLE = (
    Someone("chair", "Kommunstyrelsens ordförande", "Ordförande", "Kommunstyrelsen", signs=True),
    Someone("vice", "Kommunstyrelsens förste vice ordförande", None, "Kommunstyrelsen", signs=True),
    Someone("second", "Kommunstyrelsens andre vice ordförande", None, "Kommunstyrelsen", signs=True),
    Someone("police", "Polly Exempelsson", "Kommunpolis", "Polismyndigheten", signs=True),
    Someone("police-substitute", "Pelle Exempelkvist", "Gruppchef", "Polismyndigheten"),
    Someone("rescue", "Rut Provberg", "Stationschef", "Räddningstjänsten", signs=True),
    Someone("director", "Kommundirektören", "Kommundirektör", "Kommunledningskontoret"),
    Someone("security", "Säkerhetschefen", "Säkerhetschef", "Säkerhetsenheten"),
    Someone("school", "Stina Skolexempel", "Verksamhetschef", "Sektor utbildning"),
    Someone("association", "Fia Föreningsson", "Föreningsledare", "Exempelföreningen"),
    Someone("probation", "Knut Provkvist", "Kriminalvårdsinspektör", "Kriminalvården"),
    Someone("secretary", "Sam Skrivare", "Nämndsekreterare", "Kommunledningskontoret"),
    Someone("registrar", "Rigmor Exempeldotter", "Registrator", "Kommunledningskontoret"),
    Someone("auditor", "Arvid Provgren", "Sakkunnigt biträde", "Revisionen"),
    Someone("archivist", "Alva Exempelberg", "Arkivarie", "Kommunarkivet"),
)
ROLES = {"secretary": "secretary", "registrar": "registrar", "auditor": "auditor", "archivist": "archivist"}
