"""Organizations, their teams, groups and invitations. Pure."""

from . import fixtures, record_factories, times
from .ids import Ids
from .population import LARGE, Member, Population
from .records import Record, ResourceUris

_CREATED_DAYS_AGO = 1100
_GROUP_CREATED_DAYS_AGO = 561


class Organizations:
    """Organization records, invitations, team and group; the small organization has no team and no group."""

    def __init__(self, population: Population, ids: Ids, uris: ResourceUris, anchor: int) -> None:
        self._population = population
        self._ids = ids
        self._uris = uris
        self._anchor = anchor
        self.by_id = {
            uuid: record_factories.organization(uris.build("organizations", uuid), **fields)
            for uuid, fields in zip(population.organization_ids, self._organizations(), strict=True)
        }
        self._organization = uris.build("organizations", fixtures.ORGANIZATION)
        self.team = record_factories.team(
            uris.build("teams", fixtures.TEAM), fixtures.TEAM_NAME, self._organization, fixtures.TEAM_PAGE
        )
        self.invitations: dict[str, Record] = {}
        self._add_invitations()

    def _moment(self, days_ago: int, offset: int = 0) -> str:
        return times.isoformat(self._anchor - days_ago * times.DAY + offset)

    def _organizations(self) -> list[Record]:
        created = self._moment(_CREATED_DAYS_AGO, 9 * times.HOUR + 14 * times.MINUTE + 3_101_122)
        stamps = {"created_at": created, "updated_at": self._moment(77)}
        large = {"name": fixtures.ORGANIZATION_NAME, "kind": "multiple", "plan": "teams", "stage": "paid"}
        small = {"name": fixtures.SMALL_ORGANIZATION_NAME, "kind": "single", "plan": "basic", "stage": "free"}
        return [large | stamps, small | stamps]

    # Invitations of the large organization

    def _add_invitations(self) -> None:
        admin = self._population.members[1].user
        joined = {"status": "accepted", "user": admin["uri"], "updated_at": self._moment(1099)}
        morning = 8 * times.HOUR + 500_000
        self.invite(self._ids.make("invitation", 1), admin["email"], self._moment(1101, morning), joined)
        declined = {"status": "declined", "updated_at": self._moment(40)}
        uuid = self._ids.make("invitation", 2)
        self.invite(uuid, "dora@acme.example", self._moment(41, morning), declined)
        self.invite(fixtures.INVITATION, fixtures.INVITED_EMAIL, self._moment(15, morning))
        self.invitations[fixtures.INVITATION]["last_sent_at"] = self._moment(15, morning + 200_000)

    def invite(self, uuid: str, email: str, moment: str, changes: Record | None = None) -> Record:
        """Add an invitation; its status is pending unless `changes` override it."""
        uri = self._uris.build("organizations", fixtures.ORGANIZATION, "invitations", uuid)
        record = record_factories.invitation(uri, self._organization, email, moment)
        self.invitations[uuid] = record | (changes or {})
        return self.invitations[uuid]

    # The group

    def group(self) -> Record:
        """Return the current Group."""
        return {
            "uri": self._uris.build("groups", fixtures.GROUP),
            "name": fixtures.GROUP_NAME,
            "organization": self._organization,
            "created_at": self._moment(_GROUP_CREATED_DAYS_AGO, 8 * times.HOUR),
            "updated_at": self._moment(169, 8 * times.HOUR),
            "member_count": len(self._population.groups[fixtures.GROUP]),
        }

    def relationships(self) -> dict[str, Record]:
        """Return the GroupRelationships by id; an invited person has one before joining."""
        members = [
            self._population.members[number] for number in sorted(self._population.groups[fixtures.GROUP])
        ]
        rows = {self._relationship_uuid(member): self._member_relationship(member) for member in members}
        invitation = self.invitations.get(fixtures.INVITATION)
        if invitation:
            owner = {"type": "OrganizationInvitation"} | invitation
            rows[fixtures.INVITATION_RELATIONSHIP] = self._relationship(
                fixtures.INVITATION_RELATIONSHIP, "member", owner
            )
        return rows

    def _relationship_uuid(self, member: Member) -> str:
        return (
            self._ids.make("group_relationship", member.number)
            if member.number
            else fixtures.OWNER_RELATIONSHIP
        )

    def _member_relationship(self, member: Member) -> Record:
        owner = {"type": "OrganizationMembership"} | member.membership
        role = "member" if member.number else "admin"
        return self._relationship(self._relationship_uuid(member), role, owner)

    def _relationship(self, uuid: str, role: str, owner: Record) -> Record:
        moment = self._moment(_GROUP_CREATED_DAYS_AGO, 8 * times.HOUR + times.MINUTE)
        return {
            "uri": self._uris.build("group_relationships", uuid),
            "role": role,
            "owner": owner,
            "organization": self._organization,
            "group": self._uris.build("groups", fixtures.GROUP),
            "created_at": moment,
            "updated_at": moment,
        }

    def in_team(self, member: Member) -> bool:
        """Check whether a user belongs to the team: all users of the large organization do."""
        return member.organization == LARGE
